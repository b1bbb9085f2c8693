import { setTimeout as sleep } from 'node:timers/promises';
import { type Cgroup, cpuLoads, tree } from '../cgroups/index.js';
import { isFinitError } from '../errors.js';
import {
  CGROUP_HEADING,
  cgroupColumns,
  cgroupLines,
  psColumns,
  TOP_HEADING,
  topColumns,
} from './cgroup-format.js';
import { type Command, EXIT, Failure } from './command.js';
import { PATIENCE, tableStyle } from './flags.js';
import { print } from './output.js';
import { headingLines } from './style.js';
import { untilSignal } from './until-signal.js';

/** Between two readings, in milliseconds. */
const EVERY = 1000;

/** Without control groups finit's initctl does not know these commands: exit code 3. */
async function read(group: string | undefined, services: boolean): Promise<Cgroup> {
  try {
    // initctl takes the path as the kernel has it, too.
    const below = group?.replace(/^\/sys\/fs\/cgroup(?=\/|$)/, '');
    return await tree({ group: below, services, timeout: PATIENCE });
  } catch (error) {
    if (!isFinitError(error, 'FINIT_UNSUPPORTED')) throw error;
    throw new Failure(EXIT.unknownCommand, error.message, { cause: error });
  }
}

const title = ({ path }: Cgroup): string => `/sys/fs/cgroup${path === '/' ? '' : path}`;

const GROUP = 'GROUP is one of finit’s groups, e.g. system/web; without it all are shown.';

export const cgroup: Command = {
  help: `Usage: node-finit cgroup [-jpt] [GROUP]

The control groups of finit's services with what they may use: memory and its limits, CPUs, weight and limit.
${GROUP}

  -j, --json        the tree as an object, with all that is known
  -p, --plain       a line of = below the heading
  -t, --no-heading  no heading

Exit codes: 0; 3 this finit has no control groups; 1 finit cannot be asked.`,
  async run([group], options) {
    const { heading, ...style } = tableStyle(options);
    const found = await read(group, options.json === true);
    if (options.json) print(JSON.stringify(found, null, 2));
    else
      print(
        ...(heading ? headingLines(CGROUP_HEADING, style) : []),
        ...cgroupLines(found, cgroupColumns, style.screen, title(found)),
      );
    return EXIT.ok;
  },
};

export const ps: Command = {
  help: `Usage: node-finit ps [-j] [GROUP]

The processes of finit's services, by control group. ${GROUP}

  -j, --json  the tree as an object, with all that is known

Exit codes: 0; 3 this finit has no control groups; 1 finit cannot be asked.`,
  async run([group], options) {
    const found = await read(group, options.json === true);
    if (options.json) print(JSON.stringify(found, null, 2));
    else print(...cgroupLines(found, psColumns, tableStyle(options).screen, title(found)));
    return EXIT.ok;
  },
};

export const top: Command = {
  help: `Usage: node-finit top [-1pt] [GROUP]

What the control groups of finit's services use, each second, until it is interrupted: memory, resident and of files, its share,
and the CPU (100 is one). ${GROUP}

  -1, --once        once, with the load of one second
  -p, --plain       a line of = below the heading
  -t, --no-heading  no heading

Exit codes: 0; 3 this finit has no control groups.`,
  async run([group], options) {
    const { heading, ...style } = tableStyle(options);
    const signal = untilSignal();
    let before = await read(group, false);
    for (;;) {
      await sleep(EVERY, undefined, { signal }).catch(() => {});
      if (signal.aborted) return EXIT.ok;
      const now = await read(group, false);
      const lines = [
        ...(heading ? headingLines(TOP_HEADING, style) : []),
        ...cgroupLines(now, topColumns(cpuLoads(before, now)), style.screen, title(now)),
      ];
      if (options.once) {
        print(...lines);
        return EXIT.ok;
      }
      if (style.screen.terminal) print(`\x1b[2J\x1b[H${lines.slice(0, style.screen.rows - 1).join('\n')}`);
      else print(...lines, '');
      before = now;
    }
  },
};
