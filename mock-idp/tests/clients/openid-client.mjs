// The flows of `mock-idp` through npm `openid-client`: node openid-client.mjs PROGRAM PORT NONCE
// NONCE `true` makes the provider ask for DPoP nonces. See `run`.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { exportJWK, decodeJwt, generateKeyPair } from 'jose';
import * as client from 'openid-client';

const [program, port, nonce] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const callback = 'http://localhost:1/callback'; // never visited: redirects are read, not followed
const control = 'control-token-of-the-test';
const insecure = { execute: [client.allowInsecureRequests] };
const urn = 'urn:ietf:params:oauth';

const ec = await generateKeyPair('ES256', { extractable: true });
const rsa = await generateKeyPair('PS256', { extractable: true });
const jwks = {
  keys: [
    { ...(await exportJWK(ec.publicKey)), kid: 'ec', alg: 'ES256', use: 'sig' },
    { ...(await exportJWK(rsa.publicKey)), kid: 'rsa', alg: 'PS256', use: 'sig' },
  ],
};

const config = {
  issuer,
  control_token: control,
  personas: { alice: { tenant: 'acme', roles: ['customer'] } },
  clients: {
    web: { redirect_uris: [callback], grants: ['authorization_code', 'refresh_token'], scopes: ['orders:read'] },
    signing: {
      redirect_uris: [callback],
      grants: ['authorization_code', 'client_credentials', 'refresh_token'],
      scopes: ['orders:read'],
      auth_method: 'private_key_jwt',
      jwks,
    },
    hashing: { grants: ['client_credentials'], auth_method: 'client_secret_jwt', secret: 'a-secret-of-thirty-two-characters' },
    television: { grants: ['device_code', 'refresh_token'], scopes: ['orders:read'] },
    gateway: {
      secret: 'gateway-secret',
      grants: ['token_exchange', 'client_credentials'],
      scopes: ['orders:read'],
      token_exchange: { subject_audiences: [issuer], audiences: ['stock-api'], actors: ['gateway'] },
    },
  },
  resources: { 'https://orders.example': { scopes: ['orders:read'] } },
  dpop: { nonce: nonce === 'true' },
  device_authorization: { interval_seconds: 1 },
  acr_values: ['pwd', 'mfa'],
  registration: { initial_access_tokens: { test: 'initial-token-of-the-test' } },
};
writeFileSync('config.json', JSON.stringify(config), { mode: 0o600 });

const key = { key: ec.privateKey, kid: 'ec' };
const discover = (id, method, metadata) => client.discovery(new URL(issuer), id, metadata, method, insecure);
const assert = (holds, words) => {
  if (!holds) throw new Error(words);
};

/** A login of alice without a page; `how` the request travels. */
async function login(as, { how = 'plain', more = {}, DPoP } = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const parameters = {
    redirect_uri: callback,
    scope: 'openid orders:read',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
    prompt: 'none',
    login_hint: 'alice',
    ...more,
  };
  const url = await {
    plain: () => client.buildAuthorizationUrl(as, parameters),
    par: () => client.buildAuthorizationUrlWithPAR(as, parameters, { DPoP }),
    jar: () => client.buildAuthorizationUrlWithJAR(as, parameters, key),
    both: async () =>
      client.buildAuthorizationUrlWithPAR(as, (await client.buildAuthorizationUrlWithJAR(as, parameters, key)).searchParams),
  }[how]();
  const answer = await fetch(url, { redirect: 'manual' });
  assert(answer.status === 303, `the authorization endpoint answers ${answer.status}`);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
  return client.authorizationCodeGrant(as, new URL(answer.headers.get('location')), checks, undefined, { DPoP });
}

const flows = {
  'code + PKCE': async ({ web }) => login(web),
  refresh: async ({ web }) => client.refreshTokenGrant(web, (await login(web)).refresh_token),
  'PAR, public client': async ({ web }) => login(web, { how: 'par' }),
  'PAR, private_key_jwt': async ({ signing }) => login(signing, { how: 'par' }),
  JAR: async ({ signing }) => login(signing, { how: 'jar' }),
  'JAR through PAR': async ({ signing }) => login(signing, { how: 'both' }),
  'client credentials, private_key_jwt ES256': ({ signing }) => client.clientCredentialsGrant(signing),
  'client credentials, private_key_jwt PS256': async () => {
    const method = client.PrivateKeyJwt({ key: rsa.privateKey, kid: 'rsa' });
    await client.clientCredentialsGrant(await discover('signing', method));
  },
  'client credentials, client_secret_jwt': async () => {
    const method = client.ClientSecretJwt('a-secret-of-thirty-two-characters');
    await client.clientCredentialsGrant(await discover('hashing', method));
  },
  'resource indicator': async ({ signing }) => {
    const tokens = await client.clientCredentialsGrant(signing, { resource: 'https://orders.example' });
    assert(decodeJwt(tokens.access_token).aud === 'https://orders.example', 'the audience is another');
  },
  'DPoP: code, UserInfo, refresh': async ({ web }) => {
    const DPoP = client.getDPoPHandle(web, await client.randomDPoPKeyPair());
    const first = await login(web, { DPoP });
    assert(first.token_type === 'dpop', 'the token is not bound');
    const second = await client.refreshTokenGrant(web, first.refresh_token, undefined, { DPoP });
    await client.fetchUserInfo(web, second.access_token, 'alice', { DPoP });
  },
  'DPoP through PAR': async ({ web }) => {
    const DPoP = client.getDPoPHandle(web, await client.randomDPoPKeyPair());
    await login(web, { how: 'par', DPoP });
  },
  device: async () => {
    const television = await discover('television', client.None());
    const begun = await client.initiateDeviceAuthorization(television, { scope: 'openid orders:read' });
    const polled = client.pollDeviceAuthorizationGrant(television, begun);
    const headers = { authorization: `Bearer ${control}`, 'content-type': 'application/json' };
    const path = `${issuer}/control/v1/devices/${begun.user_code}`;
    const answer = await fetch(path, { method: 'POST', headers, body: '{"persona": "alice"}' });
    assert(answer.status === 204, 'the device could not be approved');
    assert((await polled).claims().sub === 'alice', 'the subject is another');
  },
  'token exchange': async ({ web }) => {
    const gateway = await discover('gateway', client.ClientSecretPost('gateway-secret'));
    const [subject, actor] = [await login(web), await client.clientCredentialsGrant(gateway)];
    const tokens = await client.genericGrantRequest(gateway, `${urn}:grant-type:token-exchange`, {
      subject_token: subject.access_token,
      subject_token_type: `${urn}:token-type:access_token`,
      actor_token: actor.access_token,
      actor_token_type: `${urn}:token-type:access_token`,
      audience: 'stock-api',
    });
    assert(decodeJwt(tokens.access_token).act.sub === 'gateway', 'the actor is not named');
  },
  introspection: async ({ web, signing }) => {
    const answer = await client.tokenIntrospection(signing, (await login(web)).access_token);
    assert(answer.active, 'the token is inactive');
  },
  'signed introspection': async ({ web }) => {
    const metadata = { introspection_signed_response_alg: 'ES256' };
    const as = await discover('signing', client.PrivateKeyJwt(key), metadata);
    assert((await client.tokenIntrospection(as, (await login(web)).access_token)).active, 'the token is inactive');
  },
  revocation: async ({ web }) => client.tokenRevocation(web, (await login(web)).refresh_token),
  'dynamic registration': async () => {
    const metadata = { redirect_uris: [callback], token_endpoint_auth_method: 'client_secret_post', scope: '' };
    const options = { initialAccessToken: 'initial-token-of-the-test', ...insecure };
    const as = await client.dynamicClientRegistration(new URL(issuer), metadata, undefined, options);
    await login(as, { more: { scope: 'openid' } });
  },
  'step-up': async ({ web }) => {
    assert((await login(web, { more: { acr_values: 'mfa' } })).claims().acr === 'mfa', 'the level is another');
  },
};

const provider = spawn(program, ['--config', 'config.json', '--listen', `127.0.0.1:${port}`], {
  stdio: 'inherit',
  env: { ...process.env, RUST_LOG: 'warn' },
});
let failed = 0;
try {
  const deadline = Date.now() + 10_000;
  while (!(await fetch(`${issuer}/health`).then((answer) => answer.ok, () => false))) {
    assert(Date.now() < deadline, 'the provider does not start');
  }
  const web = await discover('web', client.None());
  const signing = await discover('signing', client.PrivateKeyJwt(key));
  for (const [name, flow] of Object.entries(flows)) {
    try {
      await flow({ web, signing });
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}: ${error.message} ${error.error_description ?? ''}`);
    }
  }
} finally {
  provider.kill();
}
console.log(`${Object.keys(flows).length - failed} of ${Object.keys(flows).length} flows, nonce ${nonce}`);
process.exit(failed === 0 ? 0 : 1);
