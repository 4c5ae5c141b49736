// A running `mock-idp` for the other files here. See `run`.
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';

export const control = 'control-token-of-the-test';

export const assert = (holds, words) => {
  if (!holds) throw new Error(words);
};

/** Starts `program` with a configuration, and gives its issuer, a way to its control API, and its end. */
export async function start(program, port, config) {
  const issuer = `http://localhost:${port}`;
  const file = `config-${port}.json`;
  writeFileSync(file, JSON.stringify({ issuer, control_token: control, ...config }), { mode: 0o600 });
  const provider = spawn(program, ['--config', file, '--listen', `127.0.0.1:${port}`, '--log-format', 'json'], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, RUST_LOG: 'error' },
  });
  let ended = false;
  provider.on('exit', () => (ended = true));
  const deadline = Date.now() + 10_000;
  while (!(await fetch(`${issuer}/health`).then((answer) => answer.ok, () => false))) {
    assert(!ended && Date.now() < deadline, 'the provider does not start');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { issuer, order: (method, path, body) => order(issuer, method, path, body), stop: () => provider.kill() };
}

async function order(issuer, method, path, body) {
  const headers = { authorization: `Bearer ${control}`, 'content-type': 'application/json' };
  const answer = await fetch(`${issuer}/control/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert(answer.ok, `${method} ${path} is answered with ${answer.status}`);
  return answer.headers.get('content-type')?.includes('json') ? answer.json() : undefined;
}

/** Runs flows by name, tells of each, and gives how many failed. */
export async function run(flows, of, ...given) {
  let failed = 0;
  for (const [name, flow] of Object.entries(flows)) {
    try {
      await flow(...given);
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}: ${error.message}`);
    }
  }
  const count = Object.keys(flows).length;
  console.log(`${count - failed} of ${count} flows of ${of}`);
  return failed;
}
