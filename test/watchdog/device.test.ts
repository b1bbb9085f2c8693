// The system's watchdog, without one: the addon's ioctls are replaced, the writes are real. With one: npm run test:qemu.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemWatchdog } from '#src/watchdog/index.js';

const projectWatchdog = import.meta.resolve('#src/watchdog/index.js');

/** What a script logs, and what has been written to the device. */
function withDevice(
  t: ExecutionContext,
  script: string,
  env: NodeJS.ProcessEnv = {},
): { said: string[]; written: string } {
  const dir = mkdtempSync(join(tmpdir(), 'node-finit-device-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const device = join(dir, 'watchdog');
  const addon = join(dir, 'addon.cjs');
  writeFileSync(device, '');
  writeFileSync(
    addon,
    `const values = [0, 0x20, 30, 0, 25, 0];
     exports.watchdogSupport = () => ({ options: 0x8380, firmware: 7, identity: 'a fake' });
     exports.watchdogGet = (fd, what) => what === 4 ? -95 : values[what];
     exports.watchdogSet = (fd, what, value) => value > 300 || value < (+process.env.SHORTEST || 1) ? -22 : what === 3 && value >= values[2] ? -22 : (values[what] = value);`,
  );
  const main = `
    import { start, systemWatchdog } from ${JSON.stringify(projectWatchdog)};
    const device = ${JSON.stringify(device)};
    const say = (...what) => console.log(...what.map((one) => JSON.stringify(one) ?? 'undefined'));
    ${script}`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', main], {
    encoding: 'utf8',
    env: { ...env, PATH: process.env.PATH, NODE_FINIT_ADDON: addon },
  });
  t.is(stderr, '');
  return { said: stdout.trim().split('\n'), written: readFileSync(device, 'latin1') };
}

test('open, identify, timeouts, pings, magic close', (t) => {
  const { said, written } = withDevice(
    t,
    `const dog = await systemWatchdog({ device, timeout: 10_400, pretimeout: 3000 });
     say(dog.identity, dog.firmware, dog.capabilities, dog.bootStatus);
     say(dog.timeout, dog.pretimeout, dog.timeLeft());
     say(dog.ping(), dog.ping());
     for (const wrong of [() => dog.setTimeout(1e6), () => dog.setTimeout(0), () => dog.setPretimeout(20_000), () => dog.setTimeout('1')])
       try { wrong(); say('no error'); } catch (error) { say(error.code, error.errno); }
     say(dog.disarm(), dog.disarm(), dog.ping().error.code, dog.timeLeft());`,
  );
  t.deepEqual(said, [
    '"a fake" 7 ["setTimeout","magicClose","pretimeout","keepAlivePing"] ["cardReset"]',
    '11000 3000 undefined',
    '{"outcome":"sent"} {"outcome":"sent"}',
    '"FINIT_INVALID_ARGUMENT" "EINVAL"',
    '"FINIT_INVALID_ARGUMENT" undefined',
    '"FINIT_INVALID_ARGUMENT" "EINVAL"',
    '"FINIT_INVALID_ARGUMENT" undefined',
    '{"outcome":"sent"} {"outcome":"sent"} "FINIT_INVALID_ARGUMENT" undefined',
  ]);
  t.is(written, '\0\0V');
});

test('a process that ends leaves it armed, as does handOver(); stop() does not', (t) => {
  t.is(withDevice(t, 'start({ target: await systemWatchdog({ device }) });').written, '\0');
  t.is(
    withDevice(t, 'const dog = await systemWatchdog({ device }); dog.ping(); dog.handOver();').written,
    '\0',
  );
  t.is(withDevice(t, 'await start({ target: await systemWatchdog({ device }) }).stop();').written, '\0V');
});

test('trigger() lets no ping pass any more', (t) => {
  const { said, written } = withDevice(
    t,
    'const dog = await systemWatchdog({ device }); dog.trigger(); say(dog.timeout, dog.ping().outcome);',
  );
  t.is(said[0], '1000 "failed"');
  t.is(written, '');
});

test('trigger() finds the shortest timeout that the driver takes', (t) => {
  const script = 'const dog = await systemWatchdog({ device }); dog.trigger(); say(dog.timeout);';
  t.is(withDevice(t, script, { SHORTEST: '3' }).said[0], '3000');
  // Nothing shorter than it has: it stays.
  t.is(withDevice(t, script, { SHORTEST: '30' }).said[0], '30000');
});

test('a timeout that is refused closes it, disarmed', (t) => {
  const { said, written } = withDevice(
    t,
    'await systemWatchdog({ device, timeout: 1e6 }).catch((error) => say(error.code));',
  );
  t.is(said[0], '"FINIT_INVALID_ARGUMENT"');
  t.is(written, 'V');
});

test('what is no watchdog', async (t) => {
  await t.throwsAsync(systemWatchdog({ device: '/nonexistent' }), { code: 'FINIT_UNSUPPORTED' } as never);
  await t.throwsAsync(systemWatchdog({ device: '/dev/null' }), { code: 'FINIT_UNSUPPORTED' } as never);
  await t.throwsAsync(systemWatchdog({ device: tmpdir() }), { code: 'FINIT_SYSTEM' } as never);
  for (const wrong of [{ timeout: 0 }, { timeout: Number.NaN }, { pretimeout: -1500 }])
    await t.throwsAsync(systemWatchdog(wrong), { code: 'FINIT_INVALID_ARGUMENT' } as never);
});
