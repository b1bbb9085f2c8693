/** Real finit as PID 1 of namespaces, for tests, demos and trying things out. */
export type { ExecOptions, ExecResult, SpawnInBoxOptions } from './exec.js';
export type { SandboxFile, SandboxOptions } from './options.js';
export { DEFAULT_SUITE, type PreparedRoot, type PrepareOptions } from './root.js';
export { Sandbox, type SandboxExit } from './sandbox.js';
export { prepareSandbox, startSandbox } from './start.js';
