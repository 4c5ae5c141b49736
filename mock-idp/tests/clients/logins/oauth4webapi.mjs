// Logs alice in once per line of its input with every check of npm `oauth4webapi`, and answers each with `accepted` or
// what was wrong: node oauth4webapi.mjs ISSUER
import { createInterface } from 'node:readline';
import * as oauth from 'oauth4webapi';

const [issuer] = process.argv.slice(2);
const callback = 'http://localhost:1/callback'; // never visited: redirects are read, not followed
const insecure = { [oauth.allowInsecureRequests]: true };
const client = { client_id: 'web', id_token_signed_response_alg: 'ES256' };

async function login() {
  const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), insecure));
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid orders:read',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    max_age: '3600',
    prompt: 'none',
    login_hint: 'alice',
  });
  const answer = await fetch(url, { redirect: 'manual' });
  const parameters = oauth.validateAuthResponse(as, client, new URL(answer.headers.get('location')), state);
  const none = oauth.None();
  const response = await oauth.authorizationCodeGrantRequest(as, client, none, parameters, callback, verifier, insecure);
  const expected = { expectedNonce: nonce, maxAge: 3600, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, expected);
  await oauth.validateApplicationLevelSignature(as, response, insecure);
  const told = await oauth.userInfoRequest(as, client, tokens.access_token, insecure);
  await oauth.processUserInfoResponse(as, client, oauth.getValidatedIdTokenClaims(tokens).sub, told);
}

for await (const _ of createInterface({ input: process.stdin })) {
  console.log(await login().then(() => 'accepted', (error) => `noticed ${error.message.replaceAll('\n', ' ')}`));
}
