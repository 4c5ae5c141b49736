// Writes one key of each algorithm, so that nobody makes keys while its start is timed.
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const pairs = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
};
const keys = Object.entries(pairs).map(([alg, { privateKey }]) => [
  alg,
  { ...privateKey.export({ format: 'jwk' }), alg, kid: alg, use: 'sig' },
]);
writeFileSync('keys.json', JSON.stringify(Object.fromEntries(keys)), { mode: 0o600 });
