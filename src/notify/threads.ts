/** What other threads there may be. */

/** Undefined: not looked at yet. */
let mayShare: boolean | undefined;
let onShared = () => {};

/**
 * Whether no other thread can write to this one's environment (`new Worker(…, { env: SHARE_ENV })`, of which nothing tells). getenv() in
 * native code is safe then, and only then: Node's own lock is not for others.
 * @param told - called when that is over, before the thread in question can do anything
 */
export function hasEnvironmentToItself(told: () => void): boolean {
  onShared = told;
  mayShare ??= look();
  return !mayShare;
}

function look(): boolean {
  // Who has had the module may have made threads already. Also, customization hooks of Node's module loader have one, which shares.
  const { moduleLoadList } = process as unknown as { moduleLoadList?: readonly string[] };
  const isLate = moduleLoadList?.includes('NativeModule internal/worker') ?? true;
  if (isLate || !process.getBuiltinModule('node:worker_threads').isMainThread) return true;
  // Synchronous, unlike the process's event `worker`.
  process.getBuiltinModule('node:diagnostics_channel').subscribe('worker_threads', () => {
    mayShare = true;
    onShared();
  });
  return false;
}
