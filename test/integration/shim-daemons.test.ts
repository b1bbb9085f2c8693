// Real daemons behind finit-shim on a real finit, as Debian ships them: those that speak to systemd become ready for finit.
import test, { type ExecutionContext } from 'ava';
import * as conditions from '#src/conditions/index.js';
import type { Sandbox } from '#src/sandbox/index.js';
import type { ShimStatus } from '#src/shim/index.js';
import { eventually, PROJECT, suites } from '../helpers/real-finit.js';
import {
  behindShim,
  dependant,
  serviceIn,
  sharedBoxes,
  stanza,
  touchAndReload,
} from '../helpers/shim-box.js';

/** As in scripts/setup.mjs, which has them fetched before the tests run. */
const packages = ['php-fpm', 'redis-server', 'systemd'];
const names = ['redis', 'php', 'script', 'libsystemd'];

const files = {
  // What the packages' maintainer scripts would do.
  '/etc/passwd': `root:x:0:0:root:/root:/bin/sh
www-data:x:33:33::/var/www:/bin/sh
redis:x:101:101::/var/lib/redis:/bin/sh
nobody:x:65534:65534::/nonexistent:/bin/sh
`,
  '/etc/group': 'root:x:0:\nwww-data:x:33:\nredis:x:101:\nnogroup:x:65534:\n',
  '/srv/packages.sh': `mkdir -p /run/redis /var/lib/redis /var/log/redis /run/php
chown -R redis:redis /run/redis /var/lib/redis /var/log/redis /etc/redis
`,
  // The commands are those of the packages' own units. redis has no other reload than none: SIGHUP is nothing to it.
  ...behindShim(
    'redis',
    '--user redis',
    '/usr/bin/redis-server /etc/redis/redis.conf --supervised systemd --daemonize no',
  ),
  ...behindShim(
    'php',
    "--reload-command 'kill -USR2 $MAINPID'",
    `/bin/sh -c 'exec /usr/sbin/php-fpm* --nodaemonize --fpm-config /etc/php/*/fpm/php-fpm.conf'`,
  ),
  ...behindShim('script', '--watchdog 100s', '/bin/sh /srv/service.sh'),
  '/srv/service.sh': `trap 'systemd-notify --stopping; exit 7' TERM
trap 'systemd-notify --reloading; systemd-notify --ready --status="reloaded"' HUP
systemd-notify --ready --status="started by systemd-notify"
systemd-notify WATCHDOG=1
while :; do sleep 0.1; done
`,
  ...behindShim(
    'libsystemd',
    '--watchdog 100s --listen unix:/run/web.sock',
    '/usr/bin/node /srv/service.mjs',
  ),
  // Each call's own result is in the status: sd_listen_fds(3), sd_watchdog_enabled(3), sd_notify(3).
  '/srv/service.mjs': `
import { openSync, readdirSync } from 'node:fs';
import ffi from '${PROJECT}/node_modules/ffi-rs/index.js';
const { DataType: { I32, I32Array, String: Text, U64 }, load, open } = ffi;
const dir = readdirSync('/usr/lib').find((name) => name.endsWith('-linux-gnu'));
open({ library: 'systemd', path: '/usr/lib/' + dir + '/libsystemd.so.0' });
const call = (funcName, paramsType, paramsValue) =>
  load({ library: 'systemd', funcName, retType: I32, paramsType, paramsValue });
const fds = call('sd_listen_fds', [I32], [0]);
const watched = call('sd_watchdog_enabled', [I32, U64], [0, 0]);
const sent = [
  call('sd_notify', [I32, Text], [0, 'WATCHDOG=1']),
  call('sd_notify', [I32, Text], [0, 'WATCHDOG=1']),
  call('sd_pid_notify_with_fds', [I32, I32, Text, I32Array, I32], [0, 0, 'FDSTORE=1\\nFDNAME=kept', [openSync('/etc/passwd')], 1]),
  call('sd_notify_barrier', [I32, U64], [0, 60_000_000]),
];
process.on('SIGTERM', () => process.exit(11));
setInterval(() => {}, 1e6);
call('sd_notify', [I32, Text], [0, 'READY=1\\nSTATUS=' + [fds, watched, ...sent].join(' ')]);
`,
};

const boxOf = sharedBoxes(test, {
  packages,
  files,
  config: {
    'packages.conf': 'run [S] name:packages /bin/sh /srv/packages.sh -- Users and directories\n',
    ...Object.fromEntries(names.map((name) => [`${name}.conf`, stanza(name)])),
    'needs.conf': names.map(dependant).join(''),
  },
});

/** Waits for a service that finit holds for ready: a condition that is on has been asserted since the last reload. */
async function ready(box: Sandbox, name: string) {
  const service = await serviceIn(box, name, ({ shim }) => shim?.state === 'ready' && shim.ready);
  await conditions.wait(`service/${name}/ready`, { runDir: box.runDir, timeout: 60_000 });
  const needs = await serviceIn(box, `needs-${name}`, ({ state }) => state === 'running');
  return { service, needs };
}

/** A reload after which finit waits for READY=1: the same processes are ready again, and what needs them runs on. */
async function reload(t: ExecutionContext, box: Sandbox, name: string): Promise<void> {
  const pids = ({ service, needs }: Awaited<ReturnType<typeof ready>>) => [
    service.pid,
    service.shim?.main?.pid,
    needs.pid,
  ];
  const before = await ready(box, name);
  await touchAndReload(box, name);
  t.deepEqual(pids(await ready(box, name)), pids(before));
}

/** Stops it; what its shim wrote down last. */
async function stop(box: Sandbox, name: string): Promise<ShimStatus | undefined> {
  await box.initctl('stop', name);
  return (await serviceIn(box, name, ({ state, shim }) => state === 'stopped' && shim?.exit)).shim;
}

const output = async (box: Sandbox, ...argv: string[]) => (await box.exec(argv)).stdout;

for (const suite of suites) {
  test.serial(`redis-server on ${suite} is ready, survives a reload, and ends in order`, async (t) => {
    const box = boxOf(t, suite);
    const { service } = await ready(box, 'redis');
    t.is(service.shim?.status, 'Ready to accept connections');
    t.regex(
      await output(box, 'cat', `/proc/${service.shim?.main?.pid}/cmdline`),
      /^\/usr\/bin\/redis-server/,
    );
    t.is(await output(box, 'redis-cli', 'ping'), 'PONG\n');
    await reload(t, box, 'redis');
    t.like(await stop(box, 'redis'), {
      state: 'exited',
      status: 'Saving the final RDB snapshot',
      exit: { code: 0 },
    });
  });

  test.serial(
    `php-fpm on ${suite} is ready, and again after it has replaced itself at a reload`,
    async (t) => {
      const box = boxOf(t, suite);
      const { service } = await ready(box, 'php');
      t.is(service.shim?.status, 'Ready to handle connections');
      const pid = service.shim?.main?.pid;
      const workers = async () =>
        (await output(box, 'cat', `/proc/${pid}/task/${pid}/children`)).match(/\d+/g);
      const before = await eventually(async () => (await workers()) ?? undefined);
      await reload(t, box, 'php');
      await eventually(async () => (await workers())?.every((worker) => !before.includes(worker)));
      await ready(box, 'php');
      t.deepEqual((await stop(box, 'php'))?.exit, { code: 0 });
    },
  );

  test.serial(`a shell script on ${suite} says all by systemd-notify`, async (t) => {
    const box = boxOf(t, suite);
    const { service } = await ready(box, 'script');
    t.is(service.shim?.status, 'started by systemd-notify');
    await serviceIn(box, 'script', ({ shim }) => typeof shim?.watchdog?.margin === 'number');
    await reload(t, box, 'script');
    await serviceIn(box, 'script', ({ shim }) => shim?.state === 'ready' && shim.status === 'reloaded');
    t.deepEqual((await stop(box, 'script'))?.exit, { code: 7 });
  });

  test.serial(`libsystemd on ${suite} takes the shim for systemd`, async (t) => {
    const box = boxOf(t, suite);
    const { service } = await ready(box, 'libsystemd');
    // One socket, watched, and each message sent.
    t.is(service.shim?.status, '1 1 1 1 1 1');
    t.like(service.shim, { fdstore: 1, listen: ['unix:/run/web.sock'], watchdog: { timeout: 100_000 } });
    t.not(service.shim?.watchdog?.margin, null);
    t.deepEqual((await stop(box, 'libsystemd'))?.exit, { code: 11 });
  });
}
