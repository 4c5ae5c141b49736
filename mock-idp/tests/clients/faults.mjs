// Which foreign client notices which fault: node faults.mjs PROGRAM PORT TABLE COMMAND-OF-RUST COMMAND-OF-PYTHON [check]
// Writes the table, or with `check` compares it with the one that is there. See `run`.
//
// Each client is a program that logs in once per line that it reads (`logins/`). A login without a fault must be accepted
// before and after each one with a fault, so that a client cannot pass by being broken.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { assert, start } from './provider.mjs';
import { table } from './table.mjs';

const [program, port, file, rust, python, check] = process.argv.slice(2);
const application = Number(port) + 1;
const web = { redirect_uris: ['http://localhost:1/callback'], grants: ['authorization_code'], scopes: ['orders:read'] };
const provider = await start(program, port, {
  personas: { alice: { tenant: 'acme', roles: ['customer'] } },
  clients: { web, browser: { ...web, redirect_uris: [`http://localhost:${application}/callback`] } },
});

const commands = {
  'openid-client': [process.execPath, 'logins/openid-client.mjs', provider.issuer],
  'openid-client, signatures': [process.execPath, 'logins/openid-client.mjs', provider.issuer, 'signatures'],
  oauth4webapi: [process.execPath, 'logins/oauth4webapi.mjs', provider.issuer],
  'oidc-client-ts': [process.execPath, 'logins/oidc-client-ts.mjs', provider.issuer, application],
  Authlib: [python, '-W', 'ignore::DeprecationWarning', 'logins/authlib_login.py', provider.issuer],
  openidconnect: [rust, 'login', provider.issuer],
};

/** A client that runs: `login` gives its answer to one login. */
function client([command, ...given]) {
  const child = spawn(command, given.map(String), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const login = async () => {
    child.stdin.write('login\n');
    const { value } = await lines.next();
    assert(value !== undefined, `${command} ended`);
    return value;
  };
  return { login, stop: () => child.stdin.end() };
}

/** Faults on the way are told of one endpoint, where a client cannot overlook them by not calling it. */
const ON_THE_WAY = { 'connection-reset': '/token', 'malformed-json': '/token', 'invalid-content-type': '/token' };

/** Those that make an answer wrong; the others are slow or come and go, which is no mistake to notice. */
const isWrong = ({ name, stage }) => stage !== 'transport' || name in ON_THE_WAY;

async function sound({ login }, name) {
  const answer = await login();
  assert(answer === 'accepted', `${name}: a login without a fault is not accepted: ${answer}`);
}

/** Answers that each client asks for; some never look at the keys. */
const ALWAYS_MET = ['id_token', 'token_response', 'authorization_response', 'discovery', 'userinfo', 'transport'];

async function noticed(running, { name, stage }) {
  await provider.order('POST', '/faults', { name, endpoint: ON_THE_WAY[name] });
  try {
    // The first callback that is watched comes as it is; the second one is the first one again.
    if (name === 'replayed-callback') await sound(running, name);
    const answer = await running.login();
    const [{ used }] = (await provider.order('GET', '/faults')).faults;
    assert(used > 0 || !ALWAYS_MET.includes(stage), `the client did not meet ${name}: ${answer}`);
    return answer !== 'accepted';
  } finally {
    await provider.order('DELETE', '/faults');
  }
}

async function column(name, catalogue) {
  const running = client(commands[name]);
  const answers = {};
  try {
    await sound(running, name);
    for (const fault of catalogue) {
      answers[fault.name] = await noticed(running, fault);
      await sound(running, `${name} after ${fault.name}`);
    }
  } finally {
    running.stop();
  }
  console.log(`${name} notices ${Object.values(answers).filter(Boolean).length} of ${catalogue.length} faults`);
  return answers;
}

let text;
try {
  const catalogue = (await provider.order('GET', '/faults/catalogue')).faults.filter(isWrong);
  const columns = {};
  for (const name of Object.keys(commands)) columns[name] = await column(name, catalogue);
  text = table(catalogue, columns);
} finally {
  provider.stop();
}
if (!check) writeFileSync(file, text);
if (readFileSync(file, 'utf8') !== text) {
  writeFileSync('faults.md', text);
  console.log(`FAILED  ${file} says something else; what was found is in ${process.cwd()}/faults.md`);
  process.exit(1);
}
