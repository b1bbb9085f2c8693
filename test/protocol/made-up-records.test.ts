// Every release on every ABI: a record made with a compiler's offsets is read as what was put into it.
import test from 'ava';
import { isWholeList } from '#src/protocol/enumeration.js';
import { releasesOf } from '#src/protocol/record-layouts.js';
import type { ServiceState } from '#src/protocol/service.js';
import { decodeServiceRecord } from '#src/protocol/service-record.js';
import { makeRecord, type Values } from '../helpers/records.js';
import { type CompiledLayout, compiledLayouts } from '../helpers/svc-layouts.js';

const isBefore = ({ version }: CompiledLayout, minor: number) =>
  version !== '5.0-dev' && Number(version.split('.')[1]) < minor;

/** svc_state_t of the releases, by name as their svc_status() has it. */
function statesOf(layout: CompiledLayout): ServiceState[] {
  if (isBefore(layout, 4))
    return ['halted', 'done', 'stopping', 'cleanup', 'setup', 'waiting', 'ready', 'running'];
  if (isBefore(layout, 10))
    return ['halted', 'done', 'stopping', 'cleanup', 'setup', 'paused', 'waiting', 'starting', 'running'];
  return [
    ...(['halted', 'done', 'dead', 'cleanup', 'teardown', 'stopping', 'setup', 'paused'] as const),
    ...(['waiting', 'starting', 'running'] as const),
  ];
}

/** A service that runs, with something in every member that is decoded. */
function running(layout: CompiledLayout): Values {
  return {
    file: '/etc/finit.d/web.conf',
    'cgroup.name': 'mygrp',
    'cgroup.cfg': 'cpu.weight:500',
    'cgroup.leafname': 'leaf',
    'cgroup.delegate': 1,
    sighalt: 2,
    killdelay: 5000,
    pid: 4711,
    pidfile: '!/run/web.pid',
    start_time: 123456,
    started: 1,
    status: 0,
    state: statesOf(layout).indexOf('running'),
    type: 1,
    manual: 1,
    remain: 1,
    runlevels: 0b11100,
    sighup: 1,
    flux_reload: 1,
    forking: 1,
    block: 0,
    cond: 'usr/foo,pid/bar',
    provides: ['usr/a', 'usr/b'],
    num_provides: 2,
    job: 7,
    name: 'web',
    id: '80',
    ifstmt: 'usr/if',
    once: 3,
    restart_tot: 300,
    restart_max: 200,
    respawn: 1,
    restart_cnt: 199,
    'log.enabled': 1,
    'log.file': '/var/log/web.log',
    'log.prio': 'local1.info',
    'log.ident': 'web',
    'log.ctty': '/dev/tty9',
    username: 'www',
    group: 'web',
    supgroups: ['adm', 'tty'],
    capabilities: '^cap_net_raw',
    cmd: '/bin/web',
    args: ['/bin/web', '-p', '80'],
    conflict: 'httpd,nginx',
    desc: 'A web server',
    env: '-/etc/default/web',
    pre_script: '/pre',
    post_script: '/post',
    ready_script: '/ready',
    cleanup_script: '/cleanup',
    reload_script: '/reload',
    stop_script: '/stop',
    notify: isBefore(layout, 6) ? 2 : 3,
  };
}

/** s6 has the descriptor's number in its command line, which tells 4.5 from 4.6 – 4.8. */
const s6 = ['/bin/web', '-p', '80', '%n'];

function expectedOf(layout: CompiledLayout) {
  const has = (name: string, value: unknown) => (name in layout.fields ? value : undefined);
  return {
    identity: 'web:80',
    name: 'web',
    id: '80',
    type: 'service',
    state: 'running',
    effectiveState: 'running',
    restarts: 300,
    crashes: 199,
    maxCrashes: 200,
    command: '/bin/web',
    args: ['-p', '80', '%n'],
    conditions: ['usr/foo', 'pid/bar'],
    rawConditions: 'usr/foo,pid/bar',
    runlevels: [2, 3, 4],
    user: 'www',
    group: 'web',
    description: 'A web server',
    origin: '/etc/finit.d/web.conf',
    environmentFile: '-/etc/default/web',
    pidFile: '/run/web.pid',
    forking: true,
    sighup: true,
    job: 7,
    pid: 4711,
    startTime: 123456,
    exit: { code: 0 },
    starts: 3,
    respawn: true,
    stopSignal: 'SIGINT',
    killDelay: 5000,
    log: { to: 'file', file: '/var/log/web.log', priority: 'local1.info', tag: 'web' },
    cgroup: {
      name: 'mygrp',
      settings: 'cpu.weight:500',
      ...(has('cgroup.delegate', { leafName: 'leaf', delegate: true }) as object),
    },
    scripts: {
      pre: '/pre',
      post: '/post',
      ...('ready_script' in layout.fields && { ready: '/ready' }),
      ...('cleanup_script' in layout.fields && { cleanup: '/cleanup' }),
      ...('stop_script' in layout.fields && { reload: '/reload', stop: '/stop' }),
    },
    ...('notify' in layout.fields && { notify: 's6' }),
    ...('manual' in layout.fields && { manual: true }),
    ...('remain' in layout.fields && { remain: true, reloadPropagates: true }),
    ...('conflict' in layout.fields && { conflicts: ['httpd', 'nginx'], ifStatement: 'usr/if' }),
    ...('capabilities' in layout.fields && {
      supplementaryGroups: ['adm', 'tty'],
      capabilities: '^cap_net_raw',
    }),
    ...('log.ctty' in layout.fields && { controllingTerminal: '/dev/tty9' }),
    ...('provides' in layout.fields && { provides: ['usr/a', 'usr/b'] }),
  };
}

for (const layout of compiledLayouts) {
  const { abi, architecture, version, oldUev } = layout;
  const title = `finit ${version} on ${abi}${oldUev ? ' with an old libuev' : ''}`;
  const make = (values: Values) => makeRecord(layout, { ...running(layout), args: s6, ...values });
  const decode = (values: Values) => decodeServiceRecord(make(values), architecture);

  test(`a service of ${title} is read in full`, (t) => {
    t.deepEqual(decode({}) as unknown, expectedOf(layout));
    t.true(releasesOf(make({}), architecture).includes(version));
  });

  test(`states of ${title} are in its initctl's words, and in today's`, (t) => {
    const today: Partial<Record<ServiceState, ServiceState>> = isBefore(layout, 4)
      ? { ready: 'waiting', waiting: 'paused', cleanup: 'teardown' }
      : isBefore(layout, 10)
        ? { cleanup: 'teardown' }
        : {};
    const withProcess = ['running', 'stopping', 'setup', 'cleanup', 'teardown', 'starting', 'paused'];
    statesOf(layout).forEach((state, number) => {
      const isPaused = state === 'waiting' && isBefore(layout, 4);
      const pid = withProcess.includes(state) || isPaused ? 4711 : 0;
      const service = decode({ state: number, pid });
      t.is(service?.state, state);
      t.is(service?.effectiveState, today[state] ?? state);
    });
  });

  test(`what is blocked, done or failed in ${title} is told as its initctl does`, (t) => {
    const blocks = ['halted', 'missing', 'crashed', 'stopped', 'busy', 'restart'];
    blocks.forEach((state, block) => {
      const service = decode({ state: 0, pid: 0, block });
      t.is(service?.state as string, state);
    });
    const done = { state: 1, pid: 0, type: 2 };
    t.like(decode({ ...done, started: 1 }), { state: 'done', effectiveState: 'done' });
    t.like(decode({ ...done, started: 1, status: 0x300 }), { state: 'done', effectiveState: 'failed' });
    // 4.2 shows "done" for either.
    t.like(decode({ ...done, started: 0, status: 0x300 }), {
      state: version === '4.2' ? 'done' : 'failed',
      effectiveState: 'failed',
    });
    t.like(decode({ state: statesOf(layout).indexOf('stopping'), type: 4 }), { state: 'active' });
  });

  test(`kinds of readiness in ${title} are told apart`, (t) => {
    if (!('notify' in layout.fields)) {
      t.false('notify' in (decode({}) ?? {}));
      return;
    }
    const kinds = isBefore(layout, 6) ? ['none', 'systemd', 's6'] : ['none', 'pid', 'systemd', 's6'];
    kinds.forEach((kind, notify) => {
      const watched = kind === 'systemd' || kind === 's6' ? { 'notify_watcher.cb': 0x1234 } : {};
      const service = decode({ notify, args: kind === 's6' ? s6 : ['/bin/web'], ...watched });
      t.is(service?.notify as string, kind);
    });
  });

  test(`a tty of ${title} is read in full`, (t) => {
    const tty = { dev: '/dev/ttyS0', baud: '115200', term: 'vt100', noclear: 1, nowait: 1, rescue: 1 };
    const { type, pid } = { type: 8, pid: 12 };
    const values = { name: 'tty', id: 'S0', job: 3, username: 'root', cmd: 'getty', type, pid };
    const state = statesOf(layout).indexOf('running');
    const service = decodeServiceRecord(makeRecord(layout, { ...values, ...tty, state }), architecture);
    t.deepEqual(service?.tty, {
      device: '/dev/ttyS0',
      baud: '115200',
      term: 'vt100',
      noclear: true,
      nowait: true,
      nologin: false,
      notty: false,
      rescue: true,
    });
    t.false('log' in (service ?? {}));
  });

  test(`links of ${title} tell whether a list is whole`, (t) => {
    const address = (i: number) => 0x10_0000 + i * 0x100;
    const list = Array.from({ length: 6 }, (_, i) =>
      make({ 'link.tqe_next': i === 5 ? 0 : address(i + 1), 'link.tqe_prev': address(i - 1), job: i + 1 }),
    );
    t.true(isWholeList(list, architecture));
    for (let i = 1; i < 6; i++) t.false(isWholeList(list.toSpliced(i, 1), architecture));
    t.false(isWholeList(list.toSpliced(2, 0, list[2] as Buffer), architecture));
  });
}

test('4.2 and 4.3 are told apart also by names and conditions that look like the other', (t) => {
  for (const layout of compiledLayouts.filter(
    ({ abi, version }) => abi === 'x86_64' && /^4\.[23]$/.test(version),
  ))
    for (const name of ['a', 'ab', 'abc', 'abcd', 'a-name-that-is-long'])
      for (const cond of ['', 'usr/foo', 'c'.repeat(187), 'c'.repeat(188), 'c'.repeat(191)])
        for (const job of [1, 255, 256, 60_000]) {
          const record = makeRecord(layout, { ...running(layout), name, cond, job });
          t.deepEqual(
            releasesOf(record, 'x64'),
            [layout.version],
            `${layout.version} ${name} ${cond} ${job}`,
          );
          t.like(decodeServiceRecord(record, 'x64'), { name, job, rawConditions: cond });
        }
});

test('nothing is said to be of one release where a record has nothing that tells', (t) => {
  t.deepEqual(releasesOf(new Uint8Array(5896), 'x64'), ['4.2', '4.3']);
  t.deepEqual(releasesOf(new Uint8Array(20360), 'x64'), ['4.13', '4.14']);
});
