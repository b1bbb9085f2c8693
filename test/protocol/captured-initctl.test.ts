// What we make of captured records is what that finit's own initctl said of them, text and JSON.
import test from 'ava';
import { parseInitctlStatus } from '#src/protocol/initctl-json.js';
import { formatRunlevels, type Service } from '#src/protocol/service.js';
import { decodeServiceRecord } from '#src/protocol/service-record.js';
import { captures, type ExpectedRecord } from '../helpers/captures.js';

/**
 * Where initctl is wrong, or says less than the record. Each turns what we have into what initctl prints.
 */
const quirks = {
  /** All: "exited with 0" also of what has never run (status is 0 then); we say nothing there. */
  neverRan: (service: Service) => service.exit ?? { code: 0 },
  /** All: the command line is cut after 511 bytes (`char buf[512]` in show_status() and json_status_one()). */
  command: (commandLine: string) => Buffer.from(commandLine).subarray(0, 511).toString(),
  /** All but 4.2: sysv stanzas are shown with an argument that is not in the record, by the state machine's state. */
  sysv: ({ type, state }: Service, version: string) => {
    if (type !== 'sysv' || version === '4.2') return '';
    const blocked = ['halted', 'missing', 'crashed', 'stopped', 'busy', 'restart', 'conflict'];
    return blocked.includes(state) ? ' stop' : ' start';
  },
  /** 4.2: has no runlevel 0 but S, and leaves its place out: `[S12345-789]`. */
  runlevels: (shown: string, version: string) =>
    version === '4.2' ? shown.slice(0, 2) + shown.slice(3) : shown,
  /** 4.12 to 4.15: quotes and backslashes are not escaped in JSON, so that a service with one is not valid JSON. */
  invalidJson: ['4.12', '4.14'],
};

/** What stands behind `label : `. */
function lineOf({ initctl }: ExpectedRecord, label: string): string | undefined {
  const line = initctl.find((one) => one.trimStart().startsWith(`${label} :`));
  return line?.slice(line.indexOf(':') + 2);
}

function commandLine(service: Service, version: string): string {
  return quirks.command([service.command, ...service.args].join(' ') + quirks.sysv(service, version));
}

for (const { version, records, expected } of captures) {
  const pairs = expected.map((said, i) => {
    const service = decodeServiceRecord(records[i] as Buffer, 'x64');
    if (service === undefined) throw new Error(`The capture of ${version} has an end marker at ${i}`);
    return { service, said };
  });

  test(`records of finit ${version} say what its initctl status NAME says`, (t) => {
    t.true(pairs.length >= 27);
    for (const { service, said } of pairs) {
      const [, state, kind, number] =
        /^(\w+)(?: \(code=(\w+), status=(\d+).*\))?$/.exec(lineOf(said, 'Status') ?? '') ?? [];
      const label = service.identity;
      t.is(service.state as string, state as string, label);
      const exit = quirks.neverRan(service);
      if (kind === 'exited') t.deepEqual(exit, { code: Number(number) }, label);
      if (kind === 'signal') t.deepEqual(exit, { signal: number === '15' ? 'SIGTERM' : 'SIGKILL' }, label);
      t.is(service.identity, lineOf(said, 'Identity') as string);
      t.is(service.description, lineOf(said, 'Description') as string, label);
      t.is(service.origin || 'built-in', lineOf(said, 'Origin') as string, label);
      t.is(service.environmentFile, lineOf(said, 'Environment') ?? '', label);
      const conditions = said.initctl.find((line) => line.startsWith('Condition(s):'));
      t.is(
        service.rawConditions,
        (conditions ?? '').replace(/^Condition\(s\): <?|>$/g, '').replace(/(^|,)[-+~]/g, '$1'),
        label,
      );
      t.is(commandLine(service, version), lineOf(said, 'Command') as string, label);
      t.is(service.pidFile || 'none', lineOf(said, 'PID file') as string, label);
      t.is(String(service.pid ?? 0), lineOf(said, 'PID') as string, label);
      t.is(service.user, lineOf(said, 'User') as string, label);
      t.is(service.group, lineOf(said, 'Group') as string, label);
      t.is(service.pid === undefined, lineOf(said, 'Uptime') === 'N/A', label);
      t.is(
        `${service.restarts} (${service.crashes}/${service.maxCrashes})`,
        lineOf(said, 'Restarts') as string,
        label,
      );
      const starts = lineOf(said, 'Starts');
      t.is(service.manual ? String(service.starts) : undefined, starts, label);
      t.is(
        quirks.runlevels(formatRunlevels(service.runlevels), version),
        lineOf(said, 'Runlevels') as string,
        label,
      );
    }
  });

  if (version === '4.2') continue;

  test(`records of finit ${version} say what its initctl -j status NAME says`, (t) => {
    const invalid = pairs.filter(({ said }) => typeof said.json === 'string');
    t.is(invalid.length > 0, quirks.invalidJson.includes(version));
    for (const { service, said } of pairs) {
      const json = said.json as Record<string, unknown>;
      const printed = typeof json === 'string' ? json : print(json);
      const [parsed] = parseInitctlStatus(printed);
      const exit = service.state === 'running' ? undefined : quirks.neverRan(service);
      const { args, command, uptime, ...rest } = parsed as Service;
      t.is([command, ...args].join(' '), commandLine(service, version));
      t.is(uptime === undefined, service.pid === undefined);
      t.like(service, { ...rest, exit: service.exit });
      t.deepEqual(rest.exit, exit);
      if (typeof json === 'object') {
        t.is(service.state as string, json.status as string);
        t.is(service.manual ? service.starts : undefined, json.starts as number | undefined);
      }
    }
  });
}

/** As initctl prints it: one member a line. */
function print(json: Record<string, unknown>): string {
  const members = Object.entries(json).map(([name, value]) => {
    if (Array.isArray(value))
      return `  "${name}": [ ${value.map((item) => JSON.stringify(item)).join(', ')} ]`;
    if (typeof value === 'object')
      return `  "${name}": ${JSON.stringify(value).replace('{', '{ ').replace('}', ' }').replace(':', ': ')}`;
    return `  "${name}": ${JSON.stringify(value)}`;
  });
  return `{\n${members.join(',\n')}\n}\n`;
}
