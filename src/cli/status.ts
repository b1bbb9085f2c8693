import * as services from '../services/index.js';
import * as system from '../system/index.js';
import { type Command, EXIT } from './command.js';
import { PATIENCE, tableStyle } from './flags.js';
import { linesOfLog } from './log-file.js';
import type { OptionValues } from './options.js';
import { print } from './output.js';
import { shown, shownWithGroup } from './show.js';
import { jsonLines, statusDetails, statusJson, statusTable } from './status-format.js';
import { coloured } from './style.js';

const wait = { timeout: PATIENCE };

export const command: Command = {
  help: `Usage: node-finit status [-jpqtv] [NAME[:ID]…]

All services as a table, or all about one, as finit's initctl shows it, with the last ten lines of the log that are about it. A
NAME that several services have gives a table of those.

STATUS is finit's word. Where that is misleading (a task that failed is "done", a service whose command has vanished is
"running" without a process), the JSON has the truth in effectiveState, and "node-finit why NAME" tells it.

  -j, --json        an array of all, one object for one; initctl's fields and some more
  -p, --plain       a line of = below the heading, no colours
  -t, --no-heading  no heading
  -v, --verbose     commands instead of descriptions
  -q, --quiet       print nothing: exit with 0 if it is running, or for a run or task if it has run, else with 1

Exit codes: 0; 69 no such service; 1 finit cannot be asked.`,
  async run(names, options) {
    if (names.length === 0) return await all(options);
    let code = 0;
    for (const name of names) code |= await one(name, options);
    return code;
  },
};

async function all(options: OptionValues): Promise<number> {
  const [found, runlevel] = await Promise.all([services.list(wait), currentRunlevel(options)]);
  if (options.quiet) return EXIT.ok;
  if (options.json) print(...jsonLines(shown(found).map(statusJson)));
  else print(...statusTable(found, found, { ...tableStyle(options), runlevel }));
  return EXIT.ok;
}

async function one(name: string, options: OptionValues): Promise<number> {
  const found = await services.list(wait);
  const matching = found.filter((service) => isMeant(service, name));
  if (matching.length > 1) {
    if (options.quiet) return EXIT.ok;
    const runlevel = await currentRunlevel(options);
    if (options.json) print(...jsonLines(shown(matching).map(statusJson)));
    else print(...statusTable(matching, found, { ...tableStyle(options), runlevel }));
    return EXIT.ok;
  }
  // finit also knows services by their job numbers.
  const service = matching[0] ?? (await services.get(name, wait));
  if (options.quiet) return isFine(service) ? EXIT.ok : EXIT.failed;
  const details = await shownWithGroup(service);
  if (options.json) print(...jsonLines(statusJson(details)));
  else {
    print(...statusDetails(details, await currentRunlevel(options)), '');
    if (service.pid !== undefined) print(...linesOfLog(service.identity, service.pid, LOG_LINES));
  }
  return EXIT.ok;
}

const LOG_LINES = 10;

/** svc_compare() in src/initctl.c: `foo` means foo:1 and foo:2, not foobar. */
function isMeant({ identity, name }: services.Service, wanted: string): boolean {
  return identity === wanted || (!wanted.includes(':') && name === wanted);
}

/** As `initctl -q status` has it: a run or task has started, all else runs. */
function isFine({ type, state }: services.Service): boolean {
  const started = type === 'run' || type === 'task' ? ['done', 'active', 'teardown'] : [];
  return state === 'running' || started.includes(state);
}

/** Only asked where it is highlighted. */
async function currentRunlevel(options: OptionValues): Promise<system.Runlevel | undefined> {
  if (!coloured() || options.json) return undefined;
  return await system.runlevel(wait).then(
    ({ current }) => current,
    () => undefined,
  );
}
