// Signatures, issuers with a path, key rotation and ordered faults, as npm `oauth4webapi` sees them:
//   node oauth4webapi.mjs PROGRAM PORT. See `run`.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import * as oauth from 'oauth4webapi';

const [program, port] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const callback = 'http://localhost:1/callback'; // never visited: redirects are read, not followed
const control = 'control-token-of-the-test';
const insecure = { [oauth.allowInsecureRequests]: true };
const algorithms = ['ES256', 'RS256', 'PS256', 'EdDSA'];

const registered = (alg) => ({
  redirect_uris: [callback],
  grants: ['authorization_code', 'refresh_token'],
  id_token_signed_response_alg: alg,
});
const clients = Object.fromEntries(algorithms.map((alg) => [alg, registered(alg)]));
clients.api = { secret: 'api-secret' };
const config = {
  issuer,
  control_token: control,
  personas: { alice: { tenant: 'acme', roles: ['customer'] } },
  clients,
  issuers: [{ issuer: `${issuer}/acme`, clients: { ES256: registered('ES256') } }],
};
writeFileSync('config.json', JSON.stringify(config), { mode: 0o600 });

const assert = (holds, words) => {
  if (!holds) throw new Error(words);
};

async function discover(at) {
  const url = new URL(at);
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecure));
}

async function order(method, path, body, at = issuer) {
  const headers = { authorization: `Bearer ${control}`, 'content-type': 'application/json' };
  const answer = await fetch(`${at}/control/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert(answer.ok, `${method} ${path} is answered with ${answer.status}`);
}

/** A login of alice without a page; every response is checked as the library checks it, signatures too. */
async function login(as, alg) {
  const client = { client_id: alg, id_token_signed_response_alg: alg };
  const [verifier, state, nonce] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState(), oauth.generateRandomNonce()];
  const url = new URL(as.authorization_endpoint);
  url.search = new URLSearchParams({
    client_id: alg,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    prompt: 'none',
    login_hint: 'alice',
  });
  const answer = await fetch(url, { redirect: 'manual' });
  assert(answer.status === 303, `the authorization endpoint answers ${answer.status}`);
  const parameters = oauth.validateAuthResponse(as, client, new URL(answer.headers.get('location')), state);
  const none = oauth.None();
  const response = await oauth.authorizationCodeGrantRequest(as, client, none, parameters, callback, verifier, insecure);
  const expected = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, expected);
  await oauth.validateApplicationLevelSignature(as, response, insecure);
  const told = await oauth.userInfoRequest(as, client, tokens.access_token, insecure);
  await oauth.processUserInfoResponse(as, client, oauth.getValidatedIdTokenClaims(tokens).sub, told);
  return { client, tokens };
}

/** What a sound client must notice. */
const faults = [
  'invalid-iss', 'missing-iss', 'invalid-aud', 'missing-aud', 'missing-sub', 'expired', 'missing-exp', 'missing-iat',
  'invalid-nonce', 'missing-nonce', 'idtoken-sig-none', 'idtoken-sig-hs256-public-key', 'invalid-sig',
  'invalid-sig-other-key', 'unknown-kid', 'idtoken-sig-other-alg', 'id-token-missing', 'missing-token-type',
  'missing-access-token', 'missing-state', 'invalid-state', 'invalid-response-iss', 'missing-response-iss',
  'duplicate-callback-parameters', 'userinfo-invalid-sub', 'userinfo-missing-sub',
];

const flows = {
  'an ID token under each algorithm, verified with the published keys': async (as) => {
    for (const alg of algorithms) await login(as, alg);
  },
  'refresh keeps the algorithm': async (as) => {
    const { client, tokens } = await login(as, 'EdDSA');
    const response = await oauth.refreshTokenGrantRequest(as, client, oauth.None(), tokens.refresh_token, insecure);
    await oauth.processRefreshTokenResponse(as, client, response);
    await oauth.validateApplicationLevelSignature(as, response, insecure);
  },
  'an issuer with a path, and nothing of the other one': async (as) => {
    const acme = await discover(`${issuer}/acme`);
    await login(acme, 'ES256');
    const { tokens } = await login(as, 'ES256');
    const foreign = await oauth.userInfoRequest(acme, { client_id: 'ES256' }, tokens.access_token, insecure);
    assert(foreign.status === 401, `the other issuer answers ${foreign.status}`);
  },
  'a signed introspection, verified with the published keys': async (as) => {
    const { tokens } = await login(as, 'ES256');
    const client = { client_id: 'api', introspection_signed_response_alg: 'ES256' };
    const method = oauth.ClientSecretBasic('api-secret');
    const options = { requestJwtResponse: true, ...insecure };
    const response = await oauth.introspectionRequest(as, client, method, tokens.access_token, options);
    const answer = await oauth.processIntrospectionResponse(as, client, response);
    await oauth.validateApplicationLevelSignature(as, response, insecure);
    assert(answer.active, 'the token is inactive');
  },
  'rotation: the new key signs and is found': async () => {
    await order('POST', '/keys/rotate', { alg: 'EdDSA' });
    await login(await discover(issuer), 'EdDSA');
  },
  ...Object.fromEntries(
    faults.map((name) => [
      `noticed: ${name}`,
      async (as) => {
        await order('POST', '/faults', { name, client_id: 'ES256' });
        try {
          const accepted = await login(as, 'ES256').then(() => true, () => false);
          assert(!accepted, 'the client noticed nothing');
        } finally {
          await order('DELETE', '/faults');
        }
        await login(as, 'ES256');
      },
    ]),
  ),
};

const provider = spawn(program, ['--config', 'config.json', '--listen', `127.0.0.1:${port}`], {
  stdio: 'ignore',
  env: { ...process.env, RUST_LOG: 'warn' },
});
let failed = 0;
try {
  const deadline = Date.now() + 10_000;
  while (!(await fetch(`${issuer}/health`).then((answer) => answer.ok, () => false))) {
    assert(Date.now() < deadline, 'the provider does not start');
  }
  for (const [name, flow] of Object.entries(flows)) {
    try {
      // Afresh for each: the library keeps a key set by the metadata it came with.
      await flow(await discover(issuer));
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}: ${error.message} ${error.cause ? JSON.stringify(error.cause) : ''}`);
    }
  }
} finally {
  provider.kill();
}
console.log(`${Object.keys(flows).length - failed} of ${Object.keys(flows).length} flows of oauth4webapi`);
process.exit(failed === 0 ? 0 : 1);
