/** Commands about finit itself. */
import { readFileSync } from 'node:fs';
import { isFinitError } from '../errors.js';
import * as system from '../system/index.js';
import { type Command, EXIT, Failure } from './command.js';
import { PATIENCE, tableStyle } from './flags.js';
import { inlineJson } from './json.js';
import { print } from './output.js';
import { packageRoot } from './package-root.js';
import { jsonLines } from './status-format.js';
import { headingLines } from './style.js';

const wait = { timeout: PATIENCE };

export const debug: Command = {
  help: `Usage: node-finit debug

Turns finit's debug messages on, or off again.

Exit codes: 0; 255 finit said no, or there is none.`,
  async run() {
    try {
      await system.debug(wait);
    } catch (error) {
      if (!isFinitError(error)) throw error;
      throw new Failure(EXIT.refused, error.message, { cause: error });
    }
    return EXIT.ok;
  },
};

export const plugins: Command = {
  help: `Usage: node-finit plugins [-jpt]

The plugins that finit itself has loaded, shared objects in PID 1, and what they depend on. For plugins in JavaScript:
node-finit plugin.

  -j, --json        an array of {"name":…,"dependencies":[…]}
  -p, --plain       a line of = below the heading
  -t, --no-heading  no heading

Exit codes: 0; 69 finit cannot be asked.`,
  async run(_, options) {
    try {
      const found = await system.plugins(wait);
      if (options.json) print(...jsonLines(found.map((plugin) => ({ ...plugin }))));
      else print(...pluginTable(found, tableStyle(options)));
    } catch (error) {
      if (!isFinitError(error)) throw error;
      throw new Failure(EXIT.unknownService, error.message, { cause: error });
    }
    return EXIT.ok;
  },
};

/** plugins_list() in src/initctl.c. */
export function pluginTable(
  found: readonly system.FinitPlugin[],
  { heading, ...style }: ReturnType<typeof tableStyle>,
): string[] {
  const row = (name: string, dependencies: string): string => `${name.padEnd(18)}  ${dependencies}`;
  return [
    ...(heading ? headingLines(row('PLUGIN', 'DEPENDENCIES'), style) : []),
    ...found.map(({ name, dependencies }) => row(name, dependencies.join(' '))),
  ];
}

/** As long as a person waits for a version. */
const SHORT = { timeout: 2000 };

export const version: Command = {
  help: `Usage: node-finit version [-jv]

The version of the finit that runs, if there is one and as exactly as its answers tell, and that of node-finit.

  -j, --json     what system.info() tells, and the version of node-finit
  -v, --verbose  also how finit is spoken with, and what this finit lacks

Exit code: 0.`,
  async run(_, { json, verbose }) {
    // Asked by ourselves, in the place of finit's initctl: it is known already that this cannot be told exactly.
    const info = process.env.NODE_FINIT_RUNS_INITCTL
      ? undefined
      : await system.info(SHORT).catch((error: unknown) => {
          if (!isFinitError(error)) throw error;
          return undefined;
        });
    const own = ownVersion();
    if (json) {
      print(inlineJson({ nodeFinit: own, ...info }));
      return EXIT.ok;
    }
    if (info && info.candidates.length > 0) print(`Finit ${info.version ?? info.candidates.join(' or ')}`);
    print(`node-finit ${own}`);
    if (verbose && info) {
      print(`Known by ${info.evidence}`, `Spoken with by ${info.transport}: ${info.path}`);
      for (const what of info.missing) print(`Missing: ${what}`);
    }
    return EXIT.ok;
  },
};

/** Read, not imported: Node 20 prints a warning when JSON is imported. */
function ownVersion(): string {
  const about: unknown = JSON.parse(readFileSync(`${packageRoot}/package.json`, 'utf8'));
  return (about as { version: string }).version;
}
