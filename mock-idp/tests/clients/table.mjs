// The page about which client notices which fault, from what was found. See `faults.mjs`.
import { readFileSync } from 'node:fs';

/** Faults that a sound client may go on with, and why. */
const ALLOWED = {
  'invalid-iat': 'how far away `iat` may be is up to the client (OpenID Connect Core section 3.1.3.7 (10))',
  'invalid-at-hash': 'a client of the code flow may compare it (OpenID Connect Core section 3.1.3.8)',
  'missing-at-hash': 'optional with the code flow (OpenID Connect Core section 3.1.3.6)',
  'kid-absent-multiple-jwks': 'a client may try each key that fits (OpenID Connect Core section 10.1 wants the `kid`)',
  'invalid-content-type': 'RFC 6749 section 5.1 binds the provider; to read the JSON all the same is no danger',
  'scope-changed': 'a provider may grant another scope if it says so (RFC 6749 section 3.3): the application has to look',
  'invalid-acr': 'the application knows which level it needs (OpenID Connect Core section 3.1.3.7 (12)); none was asked for',
};

const PLACES = {
  id_token: 'ID token',
  token_response: 'Token response',
  authorization_response: 'Authorization response',
  discovery: 'Metadata',
  jwks: 'Key set',
  userinfo: 'UserInfo',
  transport: 'On the way, at the token endpoint',
};

function versions() {
  const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  const authlib = readFileSync('requirements.txt', 'utf8').match(/^authlib==(\S+)/m)[1];
  const rust = readFileSync('rust/Cargo.lock', 'utf8').match(/name = "openidconnect"\nversion = "([^"]+)"/)[1];
  return { ...dependencies, Authlib: authlib, openidconnect: rust };
}

const INTRODUCTION = `# Which client notices which fault

Made by \`mock-idp/tests/clients/run … write\` and compared in every run of \`.ci/run\`: do not edit. Each client logs alice in by code
and PKCE, the way its own documentation shows, with \`state\`, \`nonce\` and \`max_age\`, reads the ID token, and asks
UserInfo; the provider makes one fault at a time (\`POST /control/v1/faults\`, \`mock-idp-control.md\`), and before and after
each one the same client must accept a sound login. **no** means that the login went through as if nothing had happened.
A fault can be noticed by any check, not only by the one that its clause names.

This is no ranking. A client that fetches its ID token from the token endpoint over TLS may leave the signature alone
(OpenID Connect Core section 3.1.3.7 (6)), and several leave to the application what others do themselves. It shows what
an application has to check itself, and why a provider that only ever answers well proves little.
`;

/** The page: `columns` is by client and by name of a fault whether it was noticed. */
export function table(catalogue, columns) {
  const of = versions();
  const names = Object.keys(columns);
  const heading = names.map((name) => `${name} ${of[name.split(',')[0]]}`);
  heading[names.indexOf('openid-client, signatures')] = 'the same with `enableNonRepudiationChecks`';
  const must = catalogue.filter(({ name }) => !(name in ALLOWED));
  const counts = names.map((name) => `${must.filter((fault) => columns[name][fault.name]).length}`);
  const row = (cells) => `| ${cells.join(' | ')} |\n`;
  let text = `${INTRODUCTION}\n`;
  text += row(['', ...heading]) + row(['---', ...names.map(() => '---')]);
  text += row([`noticed, of ${must.length} that a sound client notices`, ...counts]);
  for (const [stage, place] of Object.entries(PLACES)) {
    text += row([`**${place}**`, ...names.map(() => '')]);
    for (const { name, does } of catalogue.filter((fault) => fault.stage === stage)) {
      const no = name in ALLOWED ? 'no (allowed)' : '**no**';
      text += row([`\`${name}\`: ${does}`, ...names.map((client) => (columns[client][name] ? 'yes' : no))]);
    }
  }
  text += '\nFaults that a client may go on with:\n\n';
  text += Object.entries(ALLOWED).map(([name, why]) => `* \`${name}\`: ${why}\n`).join('');
  text += `
\`openid-client\` verifies ID tokens of the token endpoint only when told to. \`oauth4webapi\` runs with each check that it
has. \`oidc-client-ts\` runs in Chromium with a \`nonce\`; it verifies no signatures. \`Authlib\` is driven as a script
(\`OAuth2Session\`, then \`CodeIDToken\`), which leaves issuer of the metadata and subject of UserInfo to the application.
\`openidconnect\` leaves \`state\` and \`at_hash\` to the application too; they are compared as its README does it.
`;
  return text;
}
