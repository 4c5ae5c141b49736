// A person at a browser: npm `oidc-client-ts` in headless Chromium, logging in by a click on a persona.
//   node oidc-client-ts.mjs PROGRAM PORT; the application is at PORT + 1. See `run`.
import { arrive, away, leave, open, tab } from './browser.mjs';
import { assert, run, start } from './provider.mjs';

const [program, port] = process.argv.slice(2);
const origin = `http://localhost:${Number(port) + 1}`;
const registered = {
  redirect_uris: [`${origin}/callback`],
  post_logout_redirect_uris: [`${origin}/`],
  grants: ['authorization_code', 'refresh_token'],
  scopes: ['orders:read'],
};
const provider = await start(program, port, {
  personas: { alice: { tenant: 'acme', roles: ['customer'] }, bob: { tenant: 'acme', roles: ['support'] } },
  clients: {
    web: registered,
    asking: { ...registered, consent: true },
    bound: { ...registered, dpop_bound_access_tokens: true },
  },
  acr_values: ['pwd', 'mfa'],
});
const browser = await open(Number(port) + 1);
const authority = provider.issuer;

/** Logs in by clicking, in a browser that knows nobody yet. */
async function login(client_id, { click = ['alice'], more = {}, ...settings } = {}) {
  const context = await browser.newContext();
  const page = await tab(browser, context, { authority, client_id, ...settings });
  await leave(page, more);
  await page.waitForURL(`${authority}/authorize?*`);
  for (const choice of click) {
    const button = `button[value="${choice}"]`;
    await page.click(button);
    await page.waitForFunction((button) => !document.querySelector(button), button);
  }
  return { context, page, user: await arrive(page) };
}

const flows = {
  'code + PKCE by a click on a persona, and UserInfo': async () => {
    const { context, user } = await login('web');
    assert(user.profile.sub === 'alice', `the subject is ${user.profile.sub}`);
    assert(user.profile.tenant === 'acme', 'UserInfo does not name the tenant');
    const calls = [
      { path: '/authorize', client_id: 'web', pkce: true },
      { path: '/login' },
      { path: '/token', client_id: 'web', with: ['code_verifier'], without: ['client_secret'] },
      { path: '/userinfo' },
    ];
    await provider.order('POST', '/journal/assert', { in_order: true, calls });
    await context.close();
  },
  'somebody typed in': async () => {
    const context = await browser.newContext();
    const page = await tab(browser, context, { authority, client_id: 'web' });
    await leave(page);
    await page.fill('input[name=username][required]', 'bob');
    await page.click('text="Log in"');
    assert((await arrive(page)).profile.sub === 'bob', 'the subject is another');
    await context.close();
  },
  'refresh rotates': async () => {
    const { context, page, user } = await login('web');
    const fresh = await page.evaluate(async () => window.manager().signinSilent());
    assert(fresh.access_token !== user.access_token, 'the access token is the old one');
    assert(fresh.refresh_token !== user.refresh_token, 'the refresh token is the old one');
    await context.close();
  },
  'a second application finds the session, without a page': async () => {
    const { context } = await login('web');
    const second = await tab(browser, context, { authority, client_id: 'asking' });
    await leave(second);
    await second.click('button[value="allow"]');
    assert((await arrive(second)).profile.sub === 'alice', 'the session is of another');
    await context.close();
  },
  'RP-initiated logout ends the session and comes back': async () => {
    const { context, page } = await login('web');
    await away(page, () => window.manager().signoutRedirect({ state: 'over' }));
    await page.waitForURL(`${origin}/?*`);
    await page.evaluate(() => window.manager().signoutCallback());
    const said = await page.evaluate(() =>
      window.manager().signinSilent({ silentRequestTimeoutInSeconds: 5 }).then(() => 'logged in', (error) => error.message),
    );
    assert(said !== 'logged in', 'the session goes on');
    await leave(page);
    await page.waitForSelector('button[value="alice"]');
    await context.close();
  },
  'consent is asked for once': async () => {
    const { context } = await login('asking', { click: ['bob', 'allow'] });
    const again = await tab(browser, context, { authority, client_id: 'asking' });
    await leave(again);
    assert((await arrive(again)).profile.sub === 'bob', 'the subject is another');
    await context.close();
  },
  'a refused consent reaches the application': async () => {
    const refused = await login('asking', { click: ['alice', 'deny'], more: { prompt: 'consent' } }).catch((error) => error.message);
    assert(`${refused}`.includes('did not agree'), `the application is told: ${refused}`);
  },
  'a second factor for a stronger level': async () => {
    const { context, user } = await login('web', { click: ['alice', 'pass'], more: { acr_values: 'mfa' }, filterProtocolClaims: false });
    assert(user.profile.acr === 'mfa', `the level is ${user.profile.acr}`);
    await context.close();
  },
  'DPoP: code, UserInfo and refresh': async () => {
    const { context, page, user } = await login('bound', { dpop: true, loadUserInfo: false });
    assert(user.token_type === 'DPoP', 'the token is not bound');
    const told = await page.evaluate(async (issuer) => {
      const [manager, url] = [window.manager(), `${issuer}/userinfo`];
      const user = await manager.getUser();
      const headers = { authorization: `DPoP ${user.access_token}`, dpop: await manager.dpopProof(url, user, 'GET') };
      return (await fetch(url, { headers })).json();
    }, authority);
    assert(told.sub === 'alice', 'UserInfo tells of another');
    const fresh = await page.evaluate(async () => window.manager().signinSilent());
    assert(fresh.token_type === 'DPoP', 'the fresh token is not bound');
    await context.close();
  },
};

let failed = 1;
try {
  failed = await run(flows, 'oidc-client-ts in Chromium');
} finally {
  await browser.close();
  provider.stop();
}
process.exit(failed === 0 ? 0 : 1);
