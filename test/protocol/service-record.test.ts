import test from 'ava';
import { isFinitError } from '#src/errors.js';
import { endMarkers, layoutOf } from '#src/protocol/record-layouts.js';
import { decodeServiceRecord } from '#src/protocol/service-record.js';
import { type Capture, captures, type ExpectedRecord } from '../helpers/captures.js';

const types: Record<number, string> = { 1: 'service', 2: 'task', 4: 'run', 8: 'tty', 32: 'sysv' };
const notifyKinds = ['none', 'pid', 'systemd', 's6'];
const signals: Record<number, string> = { 1: 'SIGHUP', 2: 'SIGINT', 15: 'SIGTERM' };

const decode = (record: Uint8Array) => decodeServiceRecord(record, 'x64');

function find(capture: Capture, identity: string) {
  for (const record of capture.records) {
    const service = decode(record);
    if (service?.identity === identity) return service;
  }
  throw new Error(`No ${identity} in the capture of ${capture.version}`);
}

/** A number of the C program as true or false; undefined where that finit has no such member. */
const flag = (value: unknown) => (value === undefined ? undefined : value !== 0);
/** An empty text or list is a member that is absent. */
const some = (value: unknown) =>
  value === undefined || (value as { length: number }).length === 0 ? undefined : value;

function expectedLog(expected: ExpectedRecord) {
  if (expected['log.enabled'] !== 1) return undefined;
  const rest = { priority: expected['log.prio'], tag: expected['log.ident'] };
  if (expected['log.null'] === 1) return { to: 'null', ...rest };
  if (expected['log.console'] === 1) return { to: 'console', ...rest };
  return expected['log.file'] === ''
    ? { to: 'syslog', ...rest }
    : { to: 'file', file: expected['log.file'], ...rest };
}

function expectedScripts(expected: ExpectedRecord) {
  const names = ['pre', 'post', 'ready', 'cleanup', 'reload', 'stop'];
  const scripts = names.filter((name) => some(expected[`${name}_script`]));
  return scripts.length === 0
    ? undefined
    : Object.fromEntries(scripts.map((name) => [name, expected[`${name}_script`]]));
}

for (const capture of captures) {
  test(`every field of finit ${capture.version}'s records is what a C program reads there`, (t) => {
    t.is(capture.records.length, capture.expected.length);
    capture.expected.forEach((expected, i) => {
      const service = decode(capture.records[i] as Buffer);
      if (service === undefined) throw new Error('The end marker among the services');
      const type = types[expected.type as number];
      t.like(service, {
        name: expected.name,
        id: expected.id,
        identity: expected.id ? `${expected.name}:${expected.id}` : expected.name,
        type,
        restarts: expected.restart_tot,
        crashes: expected.restart_cnt,
        maxCrashes: expected.restart_max,
        command: expected.cmd,
        args: expected.args.slice(1),
        rawConditions: expected.cond,
        conditions: expected.cond ? (expected.cond as string).split(',') : [],
        user: expected.username,
        group: expected.group,
        description: expected.desc,
        origin: expected.file,
        environmentFile: expected.env,
        pidFile: (expected.pidfile as string).replace(/^!/, ''),
        forking:
          expected.forking === undefined
            ? (expected.pidfile as string).startsWith('!')
            : expected.forking === 1,
        sighup: expected.sighup === 1,
        job: expected.job,
        starts: expected.once,
        respawn: flag(expected.respawn),
        stopSignal: signals[expected.sighalt as number],
        killDelay: expected.killdelay,
      });
      // Members that not every finit, or not every service, has.
      const optional = {
        notify: notifyKinds[expected.notify as number],
        manual: flag(expected.manual),
        remain: flag(expected.remain),
        reloadPropagates: flag(expected.flux_reload),
        log: expectedLog(expected),
        scripts: expectedScripts(expected),
        conflicts: some(expected.conflict) && [expected.conflict],
        ifStatement: some(expected.ifstmt),
        supplementaryGroups: some(expected.supgroups),
        capabilities: some(expected.capabilities),
        controllingTerminal: some(expected['log.ctty']),
        provides: some(expected.provides),
      };
      for (const [key, value] of Object.entries(optional))
        t.deepEqual(service[key as keyof typeof optional] as unknown, value, `${service.identity} ${key}`);
      t.deepEqual(service.cgroup as unknown, {
        name: expected['cgroup.name'],
        settings: expected['cgroup.cfg'],
        ...(expected['cgroup.leafname'] !== undefined && {
          leafName: expected['cgroup.leafname'],
          delegate: flag(expected['cgroup.delegate']),
        }),
      });
      t.deepEqual(
        service.tty as unknown,
        type !== 'tty'
          ? undefined
          : {
              device: expected.dev,
              baud: expected.baud,
              term: expected.term,
              noclear: flag(expected.noclear),
              nowait: flag(expected.nowait),
              nologin: flag(expected.nologin),
              notty: flag(expected.notty),
              rescue: flag(expected.rescue),
            },
      );
      t.is(service.pid ?? 0, expected.pid as number);
      t.is(service.startTime ?? 0, expected.start_time as number);
      const mask = service.runlevels.reduce<number>(
        // S was runlevel 0 before 4.4.
        (sum, level) => sum | (1 << (level !== 'S' ? level : capture.version === '4.2' ? 0 : 10)),
        0,
      );
      t.is(mask, expected.runlevels as number);
    });
  });

  test(`what finit ${capture.version} shows misleadingly has an effective state of its own`, (t) => {
    const is42 = capture.version === '4.2';
    t.like(find(capture, 'tfail'), { state: 'done', effectiveState: 'failed', exit: { code: 1 } });
    t.like(find(capture, 'tdone'), { state: 'done', effectiveState: 'done', exit: { code: 0 } });
    t.like(find(capture, 'rl3'), { state: 'halted', exit: undefined, pid: undefined, startTime: undefined });
    t.like(find(capture, 'condsvc'), { state: is42 ? 'ready' : 'waiting', effectiveState: 'waiting' });
    t.like(find(capture, 'vanish'), {
      state: is42 ? 'missing' : 'running',
      effectiveState: 'missing',
      pid: undefined,
    });
    t.like(find(capture, 'stopme'), {
      state: 'stopped',
      effectiveState: 'stopped',
      exit: is42 ? undefined : { signal: 'SIGTERM' },
    });
    if (!is42) t.like(find(capture, 'crasher'), { state: 'crashed', effectiveState: 'crashed' });
  });

  test(`text in finit ${capture.version}'s records is UTF-8, and bytes that are not survive`, (t) => {
    t.is(find(capture, 'utf8').description, 'Grüße ☃ Überwachung 日本');
    const record = Buffer.from(capture.records[0] as Buffer);
    const [start] = layoutOf(record, 'x64')?.fields.desc ?? [0];
    record.set([0x61, 0xff, 0xc3, 0x62, 0, 0x63], start);
    t.is(decode(record)?.description, 'a\uDCFF\uDCC3b');
  });

  test(`the end marker of finit ${capture.version} is no service`, (t) => {
    t.is(decode(capture.end), undefined);
    const markers = endMarkers('x64');
    const offset = markers[markers.indexOf(capture.length) + 1];
    t.true(capture.end.readInt32LE(offset) < 0);
    for (const record of capture.records) t.true(record.readInt32LE(offset) >= 0);
  });

  test(`a service of finit ${capture.version} keeps everything in JSON`, (t) => {
    for (const record of capture.records) {
      const service = decode(record);
      t.deepEqual(JSON.parse(JSON.stringify(service)), service);
    }
  });
}

test('a record of unknown length is refused by its length', (t) => {
  for (const length of [0, 1, 384, 19847, 20953]) {
    const error = t.throws(() => decode(new Uint8Array(length)));
    t.true(isFinitError(error, 'FINIT_UNKNOWN_RECORD'));
    t.regex(error.message, new RegExp(`\\b${length} bytes`));
  }
});

test('a record of another architecture is refused', (t) => {
  const error = t.throws(() => decodeServiceRecord(new Uint8Array(20360), 'ia32'));
  t.true(isFinitError(error, 'FINIT_UNKNOWN_RECORD'));
});
