// Logs alice in once per line of its input through npm `oidc-client-ts` in headless Chromium, and answers each with
// `accepted` or what was wrong: node oidc-client-ts.mjs ISSUER PORT, with the port of the application.
import { createInterface } from 'node:readline';
import { arrive, leave, open, tab } from '../browser.mjs';

const [issuer, port] = process.argv.slice(2);
const browser = await open(Number(port));
// One browser for all logins: a callback that comes again must come to the application that had it before.
const context = await browser.newContext();

async function login() {
  const page = await tab(browser, context, { authority: issuer, client_id: 'browser', max_age: 3600 });
  try {
    await leave(page, { nonce: crypto.randomUUID(), prompt: 'none', login_hint: 'alice' });
    await arrive(page);
  } finally {
    await page.close();
  }
}

for await (const _ of createInterface({ input: process.stdin })) {
  console.log(await login().then(() => 'accepted', (error) => `noticed ${error.message.replaceAll('\n', ' ')}`));
}
await browser.close();
