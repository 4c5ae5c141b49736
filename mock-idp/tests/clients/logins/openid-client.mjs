// Logs alice in once per line of its input, as the README of npm `openid-client` does it, and answers each with
// `accepted` or what was wrong: node openid-client.mjs ISSUER [signatures]. With `signatures` it is told to verify them.
import { createInterface } from 'node:readline';
import * as client from 'openid-client';

const [issuer, signatures] = process.argv.slice(2);
const callback = 'http://localhost:1/callback'; // never visited: redirects are read, not followed
const execute = [client.allowInsecureRequests];
if (signatures) execute.push(client.enableNonRepudiationChecks);

async function login() {
  const metadata = { id_token_signed_response_alg: 'ES256' };
  const as = await client.discovery(new URL(issuer), 'web', metadata, client.None(), { execute });
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(as, {
    redirect_uri: callback,
    scope: 'openid orders:read',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    max_age: '3600',
    prompt: 'none',
    login_hint: 'alice',
  });
  const answer = await fetch(url, { redirect: 'manual' });
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true, maxAge: 3600 };
  const tokens = await client.authorizationCodeGrant(as, new URL(answer.headers.get('location')), checks);
  await client.fetchUserInfo(as, tokens.access_token, tokens.claims().sub);
}

for await (const _ of createInterface({ input: process.stdin })) {
  console.log(await login().then(() => 'accepted', (error) => `noticed ${error.message.replaceAll('\n', ' ')}`));
}
