import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { type Command, EXIT } from './command.js';
import { type ConfPlaces, checkConfName, confPlaces, exists, isDirectory, seen } from './conf-paths.js';
import { tableStyle } from './flags.js';
import type { OptionValues } from './options.js';
import { print } from './output.js';
import { headingLines } from './style.js';

export const command: Command = {
  help: `Usage: node-finit ls [-jpt] [DIRECTORY]

The .conf files in finit.d/available, finit.d/enabled and finit.d, and finit.conf; or those in a DIRECTORY of finit.d.

  -j, --json        {"available":[…],"enabled":[…],"static":[…],"finit.conf":"/etc/finit.conf"}; an array for a DIRECTORY
  -p, --plain       one in a line
  -t, --no-heading  no headings; with -p whole paths

Exit codes: 0; 2 not a DIRECTORY in finit.d.`,
  run: async ([directory], options) => listConf(directory, options),
};

/** Lists them: serv_list() in src/serv.c. */
export function listConf(directory: string | undefined, options: OptionValues): number {
  const places = confPlaces();
  const one = directory && `${places.directory}/${checkConfName(directory)}`;
  if (one && isDirectory(places, one)) {
    const names = confNames(places, one);
    if (options.json) print(JSON.stringify(names));
    else print(...listing([[one, names]], options));
    return EXIT.ok;
  }
  const { available, enabled, own } = {
    available: `${places.directory}/available`,
    enabled: `${places.directory}/enabled`,
    own: places.directory,
  };
  if (options.json) {
    const lists = { available, enabled, static: own };
    print(
      JSON.stringify({
        ...Object.fromEntries(
          Object.entries(lists)
            .filter(([, path]) => isDirectory(places, path))
            .map(([title, path]) => [title, confNames(places, path)]),
        ),
        ...(exists(places, places.conf) && { 'finit.conf': places.conf }),
      }),
    );
    return EXIT.ok;
  }
  const sections = [available, enabled, own].map((path): Section => [path, confNames(places, path)]);
  print(...listing(sections, options));
  if (exists(places, places.conf)) print(...single(places.conf, sections, options));
  return EXIT.ok;
}

type Section = [path: string, names: string[]];

/** Names of the .conf files in a directory of finit's, in order. */
export function confNames(places: ConfPlaces, path: string): string[] {
  try {
    return readdirSync(seen(places, path))
      .filter((name) => name.endsWith('.conf') && !name.startsWith('.'))
      .sort();
  } catch {
    return [];
  }
}

function listing(sections: readonly Section[], options: OptionValues): string[] {
  const { heading, ...style } = tableStyle(options);
  const filled = sections.filter(([, names]) => names.length > 0);
  if (!style.plain)
    return filled.flatMap(([path, names]) => [
      ...(heading ? headingLines(`${path} `, style) : []),
      ...inColumns(names, style.screen.columns),
      '',
    ]);
  return filled.flatMap(([path, names], i) => [
    ...(heading ? [...(i > 0 ? [''] : []), ...headingLines(`${path} `, style)] : []),
    ...(heading ? names : names.map((name) => `${path}/${name}`)),
  ]);
}

/** finit.conf, which has no directory of its own. */
function single(conf: string, before: readonly Section[], options: OptionValues): string[] {
  const { heading, ...style } = tableStyle(options);
  const gap = style.plain && before.some(([, names]) => names.length > 0) ? [''] : [];
  return [...(heading ? [...gap, ...headingLines(`${dirname(conf)} `, style)] : []), basename(conf), ''];
}

/** As many beside each other as fit. */
export function inColumns(names: readonly string[], columns: number): string[] {
  const width = Math.max(...names.map((name) => name.length));
  let count = Math.floor((columns - 2) / width);
  if ((count - 1) * 2 + count * width > columns) count--;
  count = Math.max(1, count);
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += count)
    lines.push(
      names
        .slice(i, i + count)
        .map((name) => name.padEnd(width))
        .join('  '),
    );
  return lines;
}
