/** `cond status` and `cond dump` as initctl has them (do_cond_show(), do_cond_dump() in src/initctl.c). */
import * as conditions from '../conditions/index.js';
import * as services from '../services/index.js';
import { EXIT } from './command.js';
import { PATIENCE, tableStyle } from './flags.js';
import type { OptionValues } from './options.js';
import { print } from './output.js';
import { shown } from './show.js';
import {
  columnWidths,
  conditionList,
  jsonLines,
  type ShownService,
  signedConditions,
} from './status-format.js';
import { bold, type HeadingStyle, headingLines } from './style.js';

interface Widths {
  pid: number;
  identity: number;
}

/** The services that have conditions. */
export async function condStatus(_: string[], options: OptionValues): Promise<number> {
  const all = await shown(await services.list({ timeout: PATIENCE }));
  const having = all.filter(({ conditions: needed }) => needed.length > 0);
  if (options.json) print(...jsonLines(having.map(condJson)));
  else print(...condTable(having, columnWidths(all.map(({ service }) => service)), tableStyle(options)));
  return EXIT.ok;
}

/** All of them on, else one off, else in flux: cond_get_agg(). */
function together(needed: ShownService['conditions']): 'on' | 'off' | 'flux' {
  if (needed.some(({ state }) => state === 'off')) return 'off';
  return needed.some(({ state }) => state === 'flux') ? 'flux' : 'on';
}

function condJson({ service, conditions: needed }: ShownService): Record<string, unknown> {
  return {
    pid: service.pid ?? 0,
    identity: service.identity,
    status: together(needed),
    condition: signedConditions(needed),
  };
}

/** The table of `cond status`. */
export function condTable(
  having: readonly ShownService[],
  widths: Widths,
  { heading, ...style }: HeadingStyle & { heading: boolean },
): string[] {
  const title = row(widths, 'PID', 'IDENT', 'STATUS', 'CONDITION (+ ON, ~ FLUX, - OFF)');
  const rows = having.map(({ service, conditions: needed }) => {
    const state = together(needed);
    const text = state.padEnd(6);
    return row(
      widths,
      String(service.pid ?? 0),
      service.identity,
      state === 'on' ? text : bold(text),
      `<${conditionList(needed)}>`,
    );
  });
  return [...(heading ? headingLines(title, style) : []), ...rows];
}

/** A condition with who asserts it. */
export interface DumpedCondition {
  pid: number;
  identity: string;
  status: string;
  condition: string;
}

/** All conditions that are there, or those whose names begin so. */
export async function condDump(beginnings: string[], options: OptionValues): Promise<number> {
  const [all, found] = await Promise.all([services.list({ timeout: PATIENCE }), conditions.list()]);
  const dumped = found
    .filter(({ name }) => beginnings.length === 0 || beginnings.some((text) => name.startsWith(text)))
    .map((condition) => withOwner(condition, all));
  if (options.json) print(...jsonLines(dumped.map((one) => ({ ...one }))));
  else print(...dumpTable(dumped, columnWidths(all), tableStyle(options)));
  return EXIT.ok;
}

/** dump_one_cond(): only conditions in pid/ are said to be a service's; most are finit's own. */
export function withOwner(
  { name, state }: conditions.Condition,
  all: readonly services.Service[],
): DumpedCondition {
  const dumped = (pid: number, identity: string) => ({ pid, identity, status: state, condition: name });
  if (name.startsWith('pid/')) {
    const owner = all.find(({ identity }) => name === `pid/${identity}`);
    return owner ? dumped(owner.pid ?? 0, owner.identity) : dumped(0, 'unknown');
  }
  if (name.startsWith('usr/')) return dumped(0, 'static');
  return name.startsWith('hook/') ? dumped(1, 'static') : dumped(1, 'init');
}

/** The table of `cond dump`. */
export function dumpTable(
  dumped: readonly DumpedCondition[],
  widths: Widths,
  { heading, ...style }: HeadingStyle & { heading: boolean },
): string[] {
  const title = row(widths, 'PID', 'IDENT', 'STATUS', 'CONDITION');
  const rows = dumped.map(({ pid, identity, status, condition }) =>
    row(widths, String(pid), identity, status.padEnd(6), `<${condition}>`),
  );
  return [...(heading ? headingLines(title, style) : []), ...rows];
}

function row(widths: Widths, pid: string, identity: string, status: string, condition: string): string {
  return `${pid.padEnd(widths.pid)}  ${identity.padEnd(widths.identity)}  ${status}  ${condition}`;
}
