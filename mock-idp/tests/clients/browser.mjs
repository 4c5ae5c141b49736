// A browser application around npm `oidc-client-ts`, in headless Chromium. See `run`.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';

const library = new URL('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url);

const page = `<!doctype html><meta charset="utf-8"><title>An application</title><script src="/library.js"></script>
<script>
window.begin = (settings) => { sessionStorage.setItem('settings', JSON.stringify(settings)); };
window.manager = () => {
  const settings = JSON.parse(sessionStorage.getItem('settings'));
  if (settings.dpop) settings.dpop = { store: new oidc.IndexedDbDPoPStore() };
  return new oidc.UserManager({ ...settings, automaticSilentRenew: false });
};
</script>`;

/** Serves the application and starts the browser. */
export async function open(port) {
  const server = createServer((request, response) => {
    const isLibrary = request.url === '/library.js';
    response.setHeader('content-type', isLibrary ? 'text/javascript' : 'text/html');
    response.end(isLibrary ? readFileSync(library) : page);
  });
  await new Promise((resolve, reject) => server.on('error', reject).listen(port, '127.0.0.1', resolve));
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  // Without its sandbox, which root cannot have; it meets nothing but our own pages.
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
  return {
    origin: `http://localhost:${port}`,
    newContext: () => browser.newContext(),
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}

/** A tab with the application in it, ready to log somebody in. */
export async function tab(browser, context, settings) {
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${browser.origin}/`);
  await page.evaluate((settings) => window.begin(settings), {
    redirect_uri: `${browser.origin}/callback`,
    post_logout_redirect_uri: `${browser.origin}/`,
    scope: 'openid profile orders:read',
    loadUserInfo: true,
    ...settings,
  });
  return page;
}

/** Has the application send the browser to the provider; `more` goes into the authorization request. */
export async function leave(page, more = {}) {
  await away(page, (more) => window.manager().signinRedirect(more), more);
}

/** Does something in the page that ends with another page. */
export async function away(page, what, given) {
  await page.evaluate(what, given).catch((error) => {
    if (!error.message.includes('context was destroyed')) throw error;
  });
}

/** What the application makes of the callback: the user, as the library stores it. */
export async function arrive(page) {
  await page.waitForURL(/\/callback\?/);
  return page.evaluate(async () => {
    const user = await window.manager().signinCallback();
    const { access_token, refresh_token, id_token, token_type, profile, scope } = user;
    return { access_token, refresh_token, id_token, token_type, profile, scope };
  });
}
