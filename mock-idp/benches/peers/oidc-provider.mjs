// npm `oidc-provider` with one client for client credentials: node oidc-provider.mjs ALGORITHM PORT
import { readFileSync } from 'node:fs';
import Provider from 'oidc-provider';

const [alg, port] = process.argv.slice(2);
const jwk = JSON.parse(readFileSync(new URL('keys.json', import.meta.url)))[alg];
const provider = new Provider(`http://localhost:${port}`, {
  clients: [
    {
      client_id: 'backend',
      client_secret: 'backend-secret',
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: alg,
    },
  ],
  jwks: { keys: [jwk] },
  scopes: ['read'],
  cookies: { keys: ['a-key-of-the-bench'] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: 'read', accessTokenFormat: 'jwt', jwt: { sign: { alg } } }),
    },
  },
});
provider.listen(Number(port), '127.0.0.1');
