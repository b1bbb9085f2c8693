import test from 'ava';
import fc from 'fast-check';
import { isFinitError } from '#src/errors.js';
import { endMarkers, layoutOf, recordLayouts } from '#src/protocol/record-layouts.js';
import { formatRunlevels } from '#src/protocol/service.js';
import { decodeServiceRecord } from '#src/protocol/service-record.js';
import { type Capture, captures, type ExpectedRecord } from '../helpers/captures.js';

const types: Record<number, string> = { 1: 'service', 2: 'task', 4: 'run', 8: 'tty', 32: 'sysv' };
const notifyKinds = ['none', 'pid', 'systemd', 's6'];

const decode = (record: Uint8Array) => decodeServiceRecord(record, 'x64');

function find(capture: Capture, identity: string) {
  for (const record of capture.records) {
    const service = decode(record);
    if (service?.identity === identity) return service;
  }
  throw new Error(`No ${identity} in the capture of ${capture.version}`);
}

function initctl({ initctl }: ExpectedRecord, label: string): string | undefined {
  return initctl?.find((line) => line.trimStart().startsWith(`${label} : `))?.split(' : ')[1];
}

for (const capture of captures) {
  test(`every field of finit ${capture.version}'s records is what a C program reads there`, (t) => {
    t.is(capture.records.length, capture.expected.length);
    capture.expected.forEach((expected, i) => {
      const service = decode(capture.records[i] as Buffer);
      t.like(service, {
        name: expected.name,
        id: expected.id,
        identity: expected.id ? `${expected.name}:${expected.id}` : expected.name,
        type: types[expected.type as number],
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
        forking: expected.forking === 1,
        notify: notifyKinds[expected.notify as number],
        sighup: expected.sighup === 1,
        manual: expected.manual === 1,
        job: expected.job,
      });
      t.is(service?.pid ?? 0, expected.pid as number);
      t.is(service?.startTime ?? 0, expected.start_time as number);
      const mask = service?.runlevels.reduce<number>(
        (sum, level) => sum | (1 << (level === 'S' ? 10 : level)),
        0,
      );
      t.is(mask, expected.runlevels as number);
    });
  });

  test(`states and exits of finit ${capture.version}'s records are in initctl's words`, (t) => {
    let compared = 0;
    capture.expected.forEach((expected, i) => {
      if (expected.initctl === null) return;
      const service = decode(capture.records[i] as Buffer);
      const [, state, , kind, number] =
        /^(\w+)( \(code=(\w+), status=(\d+).*\))?$/.exec(initctl(expected, 'Status') ?? '') ?? [];
      t.is(service?.state as string, state as string);
      // initctl says "exited with 0" also of what has never run; there we say nothing.
      if (kind === 'exited' && number !== '0') t.deepEqual(service?.exit, { code: Number(number) });
      if (kind === 'exited' && number === '0') t.true(service?.exit === undefined || 'code' in service.exit);
      if (kind === 'signal')
        t.is(service?.exit && 'signal' in service.exit && service.exit.signal, 'SIGTERM');
      t.is(
        `${service?.restarts} (${service?.crashes}/${service?.maxCrashes})`,
        initctl(expected, 'Restarts') as string,
      );
      t.is(formatRunlevels(service?.runlevels ?? []), initctl(expected, 'Runlevels') as string);
      compared++;
    });
    t.true(compared >= 40);
  });

  test(`what finit ${capture.version} shows misleadingly has an effective state of its own`, (t) => {
    t.like(find(capture, 'vanish'), { state: 'running', effectiveState: 'missing', pid: undefined });
    t.like(find(capture, 'tfail'), { state: 'done', effectiveState: 'failed', exit: { code: 1 } });
    t.like(find(capture, 'tdone'), { state: 'done', effectiveState: 'done', exit: { code: 0 } });
    t.like(find(capture, 'crasher'), { state: 'crashed', effectiveState: 'crashed', exit: { code: 3 } });
    t.like(find(capture, 'stopme'), { state: 'stopped', exit: { signal: 'SIGTERM' } });
    t.like(find(capture, 'rl3'), { state: 'halted', exit: undefined, pid: undefined, startTime: undefined });
  });

  test(`text in finit ${capture.version}'s records is UTF-8, and bytes that are not survive`, (t) => {
    t.is(find(capture, 'utf8').description, 'Grüße ☃ Überwachung 日本');
    const record = Buffer.from(capture.records[0] as Buffer);
    const [start] = layoutOf(capture.length, 'x64')?.fields.desc ?? [0];
    record.set([0x61, 0xff, 0xc3, 0x62, 0, 0x63], start);
    t.is(decode(record)?.description, 'a\uFFFD\uFFFDb');
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
  for (const length of [0, 1, 384, 19847, 20952]) {
    const error = t.throws(() => decode(new Uint8Array(length)));
    t.true(isFinitError(error, 'FINIT_UNKNOWN_RECORD'));
    t.regex(error.message, new RegExp(`\\b${length} bytes`));
  }
});

test('no record is known on an architecture that has no layouts', (t) => {
  const error = t.throws(() => decodeServiceRecord(new Uint8Array(20360), 'ia32'));
  t.true(isFinitError(error, 'FINIT_UNKNOWN_RECORD'));
  t.is(endMarkers('ia32').length, 0);
});

test('layouts hold together: lengths are unique, fields are inside and do not overlap', (t) => {
  for (const architecture of ['x64', 'arm64']) {
    const layouts = recordLayouts(architecture);
    t.is(new Set(layouts.map(({ length }) => length)).size, layouts.length);
    for (const { length, fields } of layouts) {
      const sorted = Object.values(fields).sort((a, b) => a[0] - b[0]);
      sorted.forEach(([start, size], i) => {
        t.true(start + size <= (sorted[i + 1]?.[0] ?? length));
      });
    }
  }
});

test('any bytes are a service, none, or FINIT_UNKNOWN_RECORD', (t) => {
  const bytes = fc
    .tuple(fc.constantFrom(19848, 20360, 100), fc.uint8Array({ minLength: 1, maxLength: 3000, size: 'max' }))
    .map(([length, some]) => Uint8Array.from({ length }, (_, i) => some[(i * 7) % some.length] as number));
  fc.assert(
    fc.property(bytes, (record) => {
      try {
        const service = decode(record);
        if (service) JSON.stringify(service);
        return record.length !== 100;
      } catch (error) {
        return record.length === 100 && isFinitError(error, 'FINIT_UNKNOWN_RECORD');
      }
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('a record with any of its bytes changed is still read', (t) => {
  for (const capture of captures) {
    fc.assert(
      fc.property(
        fc.nat(capture.records.length - 1),
        fc.array(fc.tuple(fc.nat(2000), fc.nat(255)), { maxLength: 50 }),
        (index, changes) => {
          const record = Buffer.from(capture.records[index] as Buffer);
          for (const [at, value] of changes) record[at] = value;
          const service = decode(record);
          return service === undefined || typeof service.identity === 'string';
        },
      ),
    );
  }
  t.pass();
});
