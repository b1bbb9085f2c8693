/**
 * finit's service record, the raw `svc_t` of PID 1, to a {@link Service}.
 *
 * A list of 200 services is 200 of these, so it is written for speed: numbers by hand, no object that is not part of the
 * result, and members that may be absent added last, in one order, so that the engine sees few shapes.
 */
import { FinitError } from '../errors.js';
import { readNumber } from './bytes.js';
import { addDetails } from './record-details.js';
import { layoutOf, type RecordLayout, recordLayouts } from './record-layouts.js';
import type { Field } from './record-struct.js';
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
const types: readonly (ServiceType | undefined)[] = Object.assign(new Array(33).fill(undefined), {
  1: 'service',
  2: 'task',
  4: 'run',
  8: 'tty',
  32: 'sysv',
});

/** svc_notify_t, from 4.6 on. */
const notifyKinds: readonly NotifyKind[] = ['none', 'pid', 'systemd', 's6'];
/** 4.4 and 4.5. */
const oldNotifyKinds: readonly NotifyKind[] = ['none', 'systemd', 's6'];

/**
 * A record as finit sent it.
 *
 * Reads nothing outside `bytes`, which may be a part of a larger buffer, and keeps none of them.
 * @param architecture - as in `process.arch`; finit runs on this machine, so the default is right.
 * @returns undefined for the record that says "none": no such service, or the end of an enumeration.
 * @throws {FinitError} `FINIT_UNKNOWN_RECORD` when no finit we know has records of this length.
 */
export function decodeServiceRecord(
  bytes: Uint8Array,
  architecture: string = process.arch,
): Service | undefined {
  const layout = layoutOf(bytes, architecture);
  if (layout === undefined) throw unknownRecord(bytes.length, architecture);
  const { fields } = layout;

  const pid = readNumber(bytes, fields.pid);
  if (pid < 0) return undefined;
  const name = readText(bytes, fields.name);
  const id = readText(bytes, fields.id);
  const facts: StateFacts = {
    machine: layout.states[readNumber(bytes, fields.state)] ?? 'unknown',
    block: readNumber(bytes, fields.block),
    started: readNumber(bytes, fields.started) !== 0,
    type: types[readNumber(bytes, fields.type)] ?? 'unknown',
    pid,
    status: readNumber(bytes, fields.status),
    dialect: layout.dialect,
  };
  const state = shownState(facts);
  const restarts = readNumber(bytes, fields.restart_tot) >>> 0;
  const rawConditions = readText(bytes, fields.cond);
  const rawPidFile = readText(bytes, fields.pidfile);
  const isBang = rawPidFile.charCodeAt(0) === 0x21;

  const service: Service = {
    identity: id === '' ? name : `${name}:${id}`,
    name,
    id,
    type: facts.type,
    state,
    effectiveState: effectiveState(facts, state),
    restarts,
    crashes: readNumber(bytes, fields.restart_cnt),
    maxCrashes: readNumber(bytes, fields.restart_max),
    command: readText(bytes, fields.cmd),
    args: decodeArguments(bytes, fields.args),
    conditions: splitList(rawConditions),
    rawConditions,
    runlevels: runlevelsOf(readNumber(bytes, fields.runlevels), layout.dialect),
    user: readText(bytes, fields.username),
    group: readText(bytes, fields.group),
    description: readText(bytes, fields.desc),
    origin: readText(bytes, fields.file),
    environmentFile: readText(bytes, fields.env),
    pidFile: isBang ? rawPidFile.slice(1) : rawPidFile,
    // In 4.2 the '!' is all there is (svc_is_forking() in src/svc.h).
    forking: fields.forking
      ? readNumber(bytes, fields.forking) !== 0
      : isBang && (facts.type === 'service' || facts.type === 'sysv'),
    sighup: readNumber(bytes, fields.sighup) !== 0,
    job: readNumber(bytes, fields.job),
  };
  if (pid > 0) {
    service.pid = pid;
    service.startTime = readNumber(bytes, fields.start_time);
  }
  if (hasEnded(facts, restarts)) {
    const exit = decodeWaitStatus(facts.status);
    if (exit !== undefined) service.exit = exit;
  }
  if (fields.notify) service.notify = decodeNotify(bytes, layout, fields.notify, service);
  addDetails(service, bytes, fields);
  return service;
}

function readText(bytes: Uint8Array, field: Field): string {
  // Most are empty.
  return bytes[field[0]] === 0 ? '' : decodeText(bytes, field[0], field[1]);
}

/** A status of 0 is also what a service has that has never run: only its other fields tell that one did. */
function hasEnded({ status, machine }: StateFacts, restarts: number): boolean {
  return status !== 0 || machine === 'done' || restarts > 0;
}

/** The first one repeats the command; the rest ends at the first empty one (svc_command() in src/initctl.c). */
function decodeArguments(bytes: Uint8Array, field: Field): string[] {
  const element = field[2] ?? field[1];
  const end = field[0] + field[1];
  const args: string[] = [];
  for (let at = field[0] + element; at < end; at += element) {
    if ((bytes[at] ?? 0) === 0) break;
    args.push(decodeText(bytes, at, element));
  }
  return args;
}

/** Names separated by commas, empty ones left out as strtok() does. */
function splitList(text: string): string[] {
  if (text === '') return [];
  return text.includes(',') ? text.split(',').filter((item) => item !== '') : [text];
}

/**
 * 4.4 and 4.5 count none, systemd, s6; all since none, pid, systemd, s6. The records of 4.5 and 4.6 – 4.8 are the same otherwise, so:
 * only systemd and s6 have a socket that is watched, and s6 has its descriptor's number, `%n`, in the command line. Of a service of
 * 4.5 that has not been started yet, `pid` may mean systemd.
 */
function decodeNotify(bytes: Uint8Array, layout: RecordLayout, field: Field, service: Service): NotifyKind {
  const number = readNumber(bytes, field);
  if (layout.versions[0] === '4.4') return oldNotifyKinds[number] ?? 'unknown';
  if (layout.versions[0] === '4.5') {
    if (number === 1 && isWatched(bytes, layout)) return 'systemd';
    if (number === 2 && service.args.some((argument) => argument.includes('%n'))) return 's6';
  }
  return notifyKinds[number] ?? 'unknown';
}

/** The watcher's callback, its member after next, prev, and two ints. */
function isWatched(bytes: Uint8Array, { fields, pointerSize }: RecordLayout): boolean {
  return (
    fields.notify_watcher !== undefined &&
    readNumber(bytes, [fields.notify_watcher[0] + 2 * pointerSize + 8, pointerSize]) !== 0
  );
}

function unknownRecord(length: number, architecture: string): FinitError {
  const known = recordLayouts(architecture).map(
    (layout) =>
      `${layout.length} (finit ${layout.versions.join(', ')}${layout.oldUev ? ' with libuev before 2.4' : ''})`,
  );
  return new FinitError(
    'FINIT_UNKNOWN_RECORD',
    `finit sent a service record of ${length} bytes, and on ${architecture} node-finit knows ` +
      `${known.length > 0 ? known.join(', ') : 'none'}. ` +
      'Records change with almost every release of finit: look for a newer node-finit.',
  );
}
