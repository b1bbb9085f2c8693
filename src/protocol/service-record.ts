/**
 * finit's service record, the raw `svc_t` of PID 1, to a {@link Service}.
 */
import { FinitError } from '../errors.js';
import { type Field, layoutOf, type RecordLayout, recordLayouts } from './record-layouts.js';
import {
  effectiveState,
  type NotifyKind,
  runlevelsOf,
  type Service,
  type ServiceType,
  type StateFacts,
  shownState,
} from './service.js';
import { decodeText } from './text.js';
import { decodeWaitStatus } from './wait-status.js';

/** svc_type_t (src/svc.h, all versions). */
const types: Readonly<Record<number, ServiceType>> = {
  1: 'service',
  2: 'task',
  4: 'run',
  8: 'tty',
  32: 'sysv',
};

/**
 * A record as finit sent it.
 *
 * Only architectures of little endian are known, so are the numbers in a record.
 * @param architecture - as in `process.arch`; finit runs on this machine, so the default is right.
 * @returns undefined for the record that says "none": no such service, or the end of an enumeration.
 * @throws {FinitError} `FINIT_UNKNOWN_RECORD` when no finit we know has records of this length.
 */
export function decodeServiceRecord(
  bytes: Uint8Array,
  architecture: string = process.arch,
): Service | undefined {
  const layout = layoutOf(bytes.length, architecture);
  if (layout === undefined) throw unknownRecord(bytes.length, architecture);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const number = (field: Field) => readNumber(view, field);
  const text = (field: Field) => decodeText(bytes, field[0], field[1]);
  const { fields } = layout;

  const pid = number(fields.pid);
  if (pid < 0) return undefined;
  const [name, id] = [text(fields.name), text(fields.id)];
  const facts: StateFacts = {
    machine: layout.states[number(fields.state)] ?? 'unknown',
    block: number(fields.block),
    started: number(fields.started) !== 0,
    type: types[number(fields.type)] ?? 'unknown',
    pid,
    status: number(fields.status),
  };
  const restarts = number(fields.restart_tot) >>> 0;
  const startTime = number(fields.start_time);
  const exit = hasEnded(facts, restarts) ? decodeWaitStatus(facts.status) : undefined;
  const rawConditions = text(fields.cond);
  const pidFile = text(fields.pidfile);

  return {
    identity: id === '' ? name : `${name}:${id}`,
    name,
    id,
    type: facts.type,
    state: shownState(facts),
    effectiveState: effectiveState(facts),
    ...(pid > 0 && { pid }),
    ...(exit && { exit }),
    restarts,
    crashes: number(fields.restart_cnt),
    maxCrashes: number(fields.restart_max),
    ...(pid > 0 && { startTime }),
    command: text(fields.cmd),
    args: decodeArguments(bytes, layout),
    conditions: rawConditions.split(',').filter((condition) => condition !== ''),
    rawConditions,
    runlevels: runlevelsOf(number(fields.runlevels)),
    user: text(fields.username),
    group: text(fields.group),
    description: text(fields.desc),
    origin: text(fields.file),
    environmentFile: text(fields.env),
    pidFile: pidFile.startsWith('!') ? pidFile.slice(1) : pidFile,
    forking: number(fields.forking) !== 0,
    notify: (layout.notifyKinds[number(fields.notify)] ?? 'unknown') as NotifyKind,
    sighup: number(fields.sighup) !== 0,
    manual: number(fields.manual) !== 0,
    job: number(fields.job),
  };
}

/** A status of 0 is also what a service has that has never run: only its other fields tell that one did. */
function hasEnded({ status, machine }: StateFacts, restarts: number): boolean {
  return status !== 0 || machine === 'done' || restarts > 0;
}

/** The first one repeats the command; the rest ends at the first empty one (svc_command() in src/initctl.c). */
function decodeArguments(bytes: Uint8Array, { fields, argumentSize }: RecordLayout): string[] {
  const [start, size] = fields.args;
  const args: string[] = [];
  for (let offset = argumentSize; offset < size; offset += argumentSize) {
    const argument = decodeText(bytes, start + offset, argumentSize);
    if (argument === '') break;
    args.push(argument);
  }
  return args;
}

function readNumber(view: DataView, [offset, size]: Field): number {
  if (size === 1) return view.getInt8(offset);
  if (size === 8) return Number(view.getBigInt64(offset, true));
  return view.getInt32(offset, true);
}

function unknownRecord(length: number, architecture: string): FinitError {
  const known = recordLayouts(architecture).map(
    (layout) => `${layout.length} (finit ${layout.versions.join(', ')})`,
  );
  return new FinitError(
    'FINIT_UNKNOWN_RECORD',
    `finit sent a service record of ${length} bytes, and on ${architecture} node-finit knows ` +
      `${known.length > 0 ? known.join(', ') : 'none'}. ` +
      'Records change with almost every release of finit: look for a newer node-finit.',
  );
}
