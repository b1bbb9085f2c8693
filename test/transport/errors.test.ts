import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exchangeError } from '#src/transport/errors.js';
import { connect } from '#src/transport/index.js';
import { startFakeFinit } from '../helpers/fake-finit.js';

const ask = (runDir: string) => connect({ runDir }).runlevel();

test('without a socket the message names it and says what to do', async (t) => {
  await t.throwsAsync(ask('/nonexistent'), {
    code: 'FINIT_NOT_RUNNING',
    message: /\/nonexistent\/socket.*runDir.*FINIT_RUN_DIR/s,
  });
});

function scratch(t: ExecutionContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-errors-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('a socket that is a file is not finit', async (t) => {
  const runDir = scratch(t);
  writeFileSync(join(runDir, 'socket'), '');
  await t.throwsAsync(ask(runDir), { code: 'FINIT_NOT_RUNNING' });
});

test('a socket of another kind is not finit', async (t) => {
  const runDir = scratch(t);
  const server = createServer().listen(join(runDir, 'socket'));
  await t.throwsAsync(ask(runDir), { code: 'FINIT_BAD_REPLY', message: /SOCK_SEQPACKET/ });
  server.close();
});

test('a run directory whose socket name is too long for the kernel is refused', async (t) => {
  await t.throwsAsync(ask(`/tmp/${'x'.repeat(120)}`), { code: 'FINIT_INVALID_ARGUMENT', message: /107/ });
});

test('an errno that has no meaning here is FINIT_SYSTEM with its name', (t) => {
  const error = exchangeError(constants.errno.EMFILE, 'socket', { path: '/x', what: 'reload', timeout: 1 });
  t.like(error, { code: 'FINIT_SYSTEM', errno: 'EMFILE', syscall: 'socket', path: '/x' });
});

test('a socket that one may not use is FINIT_ACCESS_DENIED with its owner, group and mode', async (t) => {
  await using finit = await startFakeFinit([{ close: true }]);
  chmodSync(finit.runDir, 0o755);
  chmodSync(join(finit.runDir, 'socket'), 0o600);
  const refusal = asOrdinaryUser(finit.runDir, () => chmodSync(join(finit.runDir, 'socket'), 0));
  t.regex(
    refusal,
    /^FINIT_ACCESS_DENIED EACCES .*socket.*owner uid \d+, group gid \d+, mode 0\d00.*be in its group/,
  );
});

test('a run directory that one may not enter is FINIT_ACCESS_DENIED with its owner, group and mode', (t) => {
  const above = scratch(t);
  chmodSync(above, 0o755);
  const runDir = join(above, 'finit');
  mkdirSync(runDir);
  chmodSync(runDir, 0o700);
  const refusal = asOrdinaryUser(runDir, () => chmodSync(runDir, 0));
  t.regex(
    refusal,
    /^FINIT_ACCESS_DENIED EACCES .*nothing below \S+\/finit \(owner uid \d+, group gid \d+, mode 0\d00\)/,
  );
});

/**
 * Code, errno and message of a request by somebody who is not root. If we are, by a child that gives it up (after loading everything:
 * the project need not be readable for others); if we are not, `lock` takes our own permission.
 */
function asOrdinaryUser(runDir: string, lock: () => void): string {
  const root = process.getuid?.() === 0;
  if (!root) lock();
  const script = `
    const { connect } = await import(${JSON.stringify(import.meta.resolve('#src/transport/index.js'))});
    const ask = (runDir) => connect({ runDir }).runlevel().catch((error) => error);
    await ask('/nonexistent');
    if (${root}) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
    const { code, errno, message } = await ask(${JSON.stringify(runDir)});
    console.log(code, errno, message);`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
}
