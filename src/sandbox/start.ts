/** From options to a running finit. */
import { lstat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { FinitError } from '../errors.js';
import { cacheAt } from './cache.js';
import { bootTools, namespaceAdvice, type Tools } from './host.js';
import { runsInRoot } from './host-node.js';
import { Keeper } from './keeper.js';
import { checkOptions, type SandboxOptions } from './options.js';
import { makePlan, writePlan } from './plan.js';
import { type PreparedRoot, type PrepareOptions, prepareRoot } from './root.js';
import { sleep, throwIfAborted } from './run.js';
import { Sandbox } from './sandbox.js';

/** What is booted, and whether this process's own Node.js is to be seen in it. */
interface Base {
  root: string;
  suite?: string;
  node?: string;
}

/**
 * Fills the cache for these options, so that starts with the same `suite`, `packages` and `node` need no network and no
 * apt: what a test suite does before its processes start sandboxes in parallel.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` saying what is missing and what to do; `FINIT_ABORTED`.
 */
export async function prepareSandbox(
  options: PrepareOptions & Pick<SandboxOptions, 'node'> = {},
): Promise<PreparedRoot> {
  return (await prepare(bootTools(), options)).prepared;
}

async function prepare(
  tools: Tools,
  options: PrepareOptions & Pick<SandboxOptions, 'node'>,
): Promise<{ prepared: PreparedRoot; node?: string }> {
  const packages = options.packages ?? [];
  const withNode = { ...options, packages: [...packages, 'nodejs'] };
  if (options.node === 'package') return { prepared: await prepareRoot(withNode) };
  const prepared = await prepareRoot(options);
  if (options.node === false || packages.includes('nodejs')) return { prepared };
  if (await runsInRoot(tools, prepared.root, process.execPath, options.signal))
    return { prepared, node: process.execPath };
  if (options.node === 'host') throw noHostNode(prepared.root);
  options.onProgress?.("This process's Node.js does not run there: taking Debian's");
  return { prepared: await prepareRoot(withNode) };
}

function noHostNode(root: string): FinitError {
  return new FinitError(
    'FINIT_SANDBOX_UNAVAILABLE',
    `${process.execPath} does not run in ${root}: its libraries are missing there, or older. ` +
      'Without node: "host", Debian\'s package nodejs is taken instead.',
    { path: process.execPath },
  );
}

async function findBase(tools: Tools, options: SandboxOptions): Promise<Base> {
  if (options.root === undefined) {
    const { prepared, node } = await prepare(tools, options);
    return { root: prepared.root, suite: prepared.suite, ...(node === undefined ? {} : { node }) };
  }
  const root = resolve(options.root);
  // Without finit in it there is no use in asking what else runs there: makePlan says so.
  if (options.node === false || options.mounts?.['/usr/bin/node'] !== undefined) return { root };
  const runs = await runsInRoot(tools, root, process.execPath, options.signal).catch(() => false);
  if (!runs && options.node === 'host') throw noHostNode(root);
  // The running system's own Node.js needs no mount to be seen.
  return runs && root !== '/' ? { root, node: process.execPath } : { root };
}

/**
 * Boots finit as PID 1 of new namespaces, and resolves when it has reached its runlevel.
 *
 * As root or not (then, or with `rootless`, in a user namespace); nothing is installed on the host, and nothing is written
 * outside the cache directory. When this process ends, however, the sandbox ends and nothing is left of it.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` when the host lacks something, saying what and how to get it;
 *   `FINIT_SANDBOX_FAILED` when finit ends during the boot, with the end of its console; `FINIT_TIMEOUT` when it does not
 *   get there in time; `FINIT_ABORTED`; `FINIT_INVALID_ARGUMENT`.
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  checkOptions(options);
  const { signal, onProgress } = options;
  throwIfAborted(signal, 'starting a sandbox');
  const tools = bootTools();
  const cache = cacheAt(options.cacheDir);
  const base = await findBase(tools, options);
  const rootless =
    options.rootless === undefined || options.rootless === 'auto'
      ? process.getuid?.() !== 0
      : options.rootless;
  if (!rootless && process.getuid?.() !== 0)
    throw new FinitError(
      'FINIT_SANDBOX_UNAVAILABLE',
      'a sandbox without a user namespace needs root: leave the option "rootless" out',
    );
  const plan = await makePlan(base.root, options, base.node);

  onProgress?.(`Booting finit${base.suite === undefined ? ` of ${base.root}` : ` of Debian ${base.suite}`}`);
  const keeper = await Keeper.start(tools, cache);
  try {
    await writePlan(keeper.dir, plan, rootless);
    throwIfAborted(signal, 'starting a sandbox');
    keeper.boot();
    const pid = await untilUp(keeper, options.timeout ?? 30_000, signal);
    checkInotify(keeper);
    const box = new Sandbox(keeper, { tools, pid, suite: base.suite, dispose: options.dispose ?? 'kill' });
    await box.askVersion();
    return box;
  } catch (error) {
    await keeper.kill();
    throw error;
  }
}

/**
 * Has this finit reached its runlevel?
 *
 * Asked of the file system, so that PID 1 is left alone: the condition hook/svc/up is set when the bootstrap is over and
 * the configured runlevel has been entered (src/sm.c, sm_check_bootstrap, of finit 4.12 and 4.14). It is a link that
 * dangles as seen from here, so it is not followed.
 */
async function reachedRunlevel(pid: number): Promise<boolean> {
  return lstat(`/proc/${pid}/root/run/finit/cond/hook/svc/up`).then(
    () => true,
    () => false,
  );
}

async function untilUp(keeper: Keeper, timeout: number, signal: AbortSignal | undefined): Promise<number> {
  const deadline = Date.now() + timeout;
  for (;;) {
    throwIfAborted(signal, 'booting finit');
    if (keeper.finished) throw await bootError(keeper);
    if (keeper.booting && keeper.pid !== undefined && (await reachedRunlevel(keeper.pid))) return keeper.pid;
    if (Date.now() >= deadline)
      throw new FinitError(
        'FINIT_TIMEOUT',
        `finit has not reached its runlevel after ${timeout} ms. ${consoleTail(keeper.console())}`,
        { lastState: keeper.booting ? 'bootstrap' : 'laying out the root' },
      );
    await sleep(15, signal, 'booting finit');
  }
}

/**
 * A finit without inotify runs, and does not see conditions that are set, PID files and changed .conf files (iwatch_init() in
 * src/iwatch.c of 4.2 – 4.17).
 */
function checkInotify(keeper: Keeper): void {
  if (!/inotify descriptor[^\n]*Too many open files/.test(keeper.console())) return;
  throw new FinitError(
    'FINIT_SANDBOX_UNAVAILABLE',
    'finit got no inotify instances, of which it wants 6: this user has too many, possibly in other sandboxes. ' +
      'Raise fs.inotify.max_user_instances (128 by default), or run fewer at once.',
    { errno: 'EMFILE' },
  );
}

async function bootError(keeper: Keeper): Promise<FinitError> {
  const { code, signal } = await keeper.kill();
  const tail = consoleTail(keeper.console());
  if (keeper.booting)
    return new FinitError('FINIT_SANDBOX_FAILED', `finit ended during the boot (${signal ?? code}). ${tail}`);
  if (keeper.pid === undefined)
    return new FinitError(
      'FINIT_SANDBOX_UNAVAILABLE',
      `no namespaces for a sandbox: ${namespaceAdvice(keeper.userns)}. ${tail}`,
    );
  return new FinitError(
    'FINIT_SANDBOX_UNAVAILABLE',
    `the sandbox could not be laid out, at this step: ${keeper.failed ?? 'unknown'}. ${tail}`,
  );
}

/** The last lines of a console, without escape sequences. */
export function consoleTail(text: string): string {
  const lines = text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
    .replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '')
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter(Boolean);
  return lines.length === 0 ? 'It printed nothing.' : `It printed:\n  ${lines.slice(-12).join('\n  ')}`;
}
