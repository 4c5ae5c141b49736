// npm `oauth2-mock-server`: node oauth2-mock-server.mjs ALGORITHM PORT
import { readFileSync } from 'node:fs';
import { OAuth2Server } from 'oauth2-mock-server';

const [alg, port] = process.argv.slice(2);
const server = new OAuth2Server();
await server.issuer.keys.add(JSON.parse(readFileSync(new URL('keys.json', import.meta.url)))[alg]);
await server.start(Number(port), '127.0.0.1');
