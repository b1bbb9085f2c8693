/** Which finit it is, how it is spoken with, and what it lacks. */
import { isFinitError } from '../errors.js';
import { hasSince } from '../protocol/version.js';
import { DEFAULT_RUN_DIR, resolveRunDir } from '../run-dir.js';
import {
  type CallOptions,
  connect,
  Deadline,
  type FinitVersion,
  type TransportKind,
} from '../transport/index.js';

/** What {@link info} gives. */
export interface SystemInfo {
  /** finit's run directory. */
  runDir: string;
  /** The way that is used for services: `initctl` where the control socket's records are not known. */
  transport: TransportKind;
  /** The socket, or the program, of that way. */
  path: string;
  /** finit's version, e.g. `4.14`, when it can be told exactly. */
  version?: string;
  /** All versions that it may be, oldest first; empty when nothing is known. */
  candidates: readonly string[];
  /** How that is known, in words. */
  evidence: string;
  /** What this finit lacks of what node-finit can use, in words, each with the version that brought it. */
  missing: string[];
}

/** What came when (ChangeLog.md and src/ of finit, by tag). */
const FEATURES: readonly [since: string, what: string][] = [
  ['4.3', 'signals to services (services.signal)'],
  ['4.4', 'the list of its plugins (system.plugins)'],
  ['4.4', 'initctl -j, the transport for records that are not known'],
  ['4.4', 'readiness by NOTIFY_SOCKET and s6 (notify:systemd, notify:s6)'],
  ['4.15', 'orders to services in runlevels S, 0 and 6'],
  ['4.16', 'switch-root (system.switchRoot)'],
  ['5.0', 'the bus: calls that cannot hold PID 1, and signals'],
];

/**
 * Which finit answers, by which way, and what is missing there.
 * @throws {FinitError} as every call: see {@link CallOptions}.
 */
export async function info(options: CallOptions = {}): Promise<SystemInfo> {
  const runDir = resolveRunDir(options);
  const deadline = new Deadline(options.timeout);
  const rest = () => ({ ...options, timeout: deadline.left || 1 });
  const finit = connect(options);
  const known = await finit.version(rest());
  const about = known.version === undefined ? await askInitctl(known, runDir, rest()) : known;
  const way =
    finit.kind === 'socket' && known.candidates.length === 0
      ? await whereKnown(options, rest())
      : { transport: finit.kind, path: finit.path };
  const missing = FEATURES.filter(([since]) => hasSince(about.candidates, since) === false);
  return { runDir, ...way, ...about, missing: missing.map(([since, what]) => `${what}: from ${since} on`) };
}

/** Where several releases have the same records, initctl may know better; if it fits what is known, it is believed. */
async function askInitctl(known: FinitVersion, runDir: string, options: CallOptions): Promise<FinitVersion> {
  if (runDir !== DEFAULT_RUN_DIR && !process.env.FINIT_INITCTL) return known;
  try {
    const said = await connect({ ...options, transport: 'initctl' }).version(options);
    const { version } = said;
    const fits = known.candidates.length === 0 || (version && known.candidates.includes(version));
    return fits ? { ...said, evidence: `${known.evidence}, and ${said.evidence}` } : known;
  } catch (error) {
    if (isFinitError(error, 'FINIT_ABORTED') || isFinitError(error, 'FINIT_TIMEOUT')) throw error;
    return known;
  }
}

/** For records that are not known, initctl if there is one. */
async function whereKnown(
  options: CallOptions,
  rest: CallOptions,
): Promise<Pick<SystemInfo, 'transport' | 'path'>> {
  const socket = connect({ ...options, transport: 'socket' });
  const initctl = connect({ ...options, transport: 'initctl' });
  try {
    await initctl.version(rest);
    return { transport: 'initctl', path: initctl.path };
  } catch (error) {
    if (!isFinitError(error, 'FINIT_UNSUPPORTED') && !isFinitError(error, 'FINIT_SYSTEM')) throw error;
    return { transport: 'socket', path: socket.path };
  }
}
