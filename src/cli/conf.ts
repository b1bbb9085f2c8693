/** What is done to .conf files: src/serv.c, with its exit codes. Nothing takes effect before a reload. */
import {
  chmodSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import * as services from '../services/index.js';
import { type Command, EXIT, Failure, UsageError } from './command.js';
import { listConf } from './conf-list.js';
import {
  type ConfPlaces,
  checkConfName,
  confPath,
  confPlaces,
  exists,
  isDirectory,
  seen,
  withSuffix,
} from './conf-paths.js';
import { edit as editFile } from './editor.js';
import type { OptionValues } from './options.js';
import { isTerminal, warn, write } from './output.js';
import { asksYes } from './yes-or-no.js';

type Act = (places: ConfPlaces, name: string, options: OptionValues) => number | Promise<number>;

interface About {
  usage: string;
  help: string;
  /** What it does without a name: shows what there is, as initctl does. */
  without?: 'list' | 'refuse' | 'finit.conf';
}

function confCommand(name: string, { usage, help, without = 'list' }: About, act: Act): Command {
  return {
    help: `Usage: node-finit ${name} ${usage}

${help}`,
    async run(names, options) {
      if (names.length === 0 && without === 'refuse') throw new UsageError(`expected: ${name} ${usage}`);
      const places = confPlaces();
      if (names.length === 0 && without === 'finit.conf') return await act(places, '', options);
      if (names.length === 0) {
        if (!options.quiet) warn(`${name} needs the name of a .conf file, which may be one of:`);
        return listConf(name === 'enable' || name === 'delete' ? 'available' : 'enabled', options);
      }
      let code = 0;
      for (const one of names) code |= await act(places, one, options);
      return code;
    },
  };
}

export const show = confCommand(
  'show',
  {
    usage: '[CONF…]',
    without: 'finit.conf',
    help: `Prints a .conf file of finit.d/available or finit.d, or finit.conf. Of one that is made from a template (getty@tty1) and is not
there itself the template is shown.

Exit codes: 0; 1 there is none; 4 it is of a service that is built into finit.`,
  },
  async (places, name, options) => {
    let path = confPath(places, name);
    if (path === undefined || !exists(places, path)) {
      await refuseBuiltIn(name, options);
      path = confPath(places, name, { template: true });
      if (path === undefined || !exists(places, path))
        throw new Failure(EXIT.failed, `there is no ${withSuffix(name)}`);
      write(readFileSync(seen(places, path), 'utf8').replaceAll('%i', 'system'));
      return EXIT.ok;
    }
    write(readFileSync(seen(places, path), 'utf8'));
    return EXIT.ok;
  },
);

export const create = confCommand(
  'create',
  {
    usage: '[-c] CONF…',
    without: 'refuse',
    help: `Makes a .conf file in finit.d/available, or in finit.d where there is no such directory, from the standard input. If that is a
terminal, it opens an editor.

  -c, --create  overwrite one that is there; without it the input is thrown away, with a message

Exit codes: 0; 2 no CONF; 4 it is of a service that is built into finit; 73 it could not be made.`,
  },
  async (places, name, options) => {
    await refuseBuiltIn(name, options);
    if (isTerminal(0)) return await edited(places, name, true, options);
    const path = confPath(places, name, { create: true });
    if (path === undefined) throw new Failure(EXIT.cannotCreate, `there is no directory ${places.directory}`);
    const text = readFileSync(0);
    if (exists(places, path) && !options.create) {
      if (!options.quiet) warn(`${path} is there already, and is left as it is (-c overwrites it)`);
      return EXIT.ok;
    }
    inOneStep(seen(places, path), (temporary) => writeFileSync(temporary, text, { mode: 0o644, flag: 'wx' }));
    return EXIT.ok;
  },
);

export const edit = confCommand(
  'edit',
  {
    usage: '[-c] [CONF…]',
    without: 'finit.conf',
    help: `Opens a .conf file, or finit.conf, in an editor: sensible-editor, editor, $VISUAL, $EDITOR, mg, or vi.

  -c, --create  also one that is not there yet

Exit codes: 0; 1 no editor, or it failed; 4 it is of a service that is built into finit.`,
  },
  async (places, name, options) => {
    if (name === '' && !options.force && !asksYes(`Do you want to edit ${places.conf} (y/N)? `))
      return EXIT.ok;
    return await edited(places, name, options.create === true, options);
  },
);

async function edited(places: ConfPlaces, name: string, isNew: boolean, options: OptionValues) {
  const path = confPath(places, name, { create: isNew });
  if (path === undefined || !exists(places, path)) {
    await refuseBuiltIn(name, options);
    if (path === undefined || !isNew) {
      if (!options.quiet) warn(`there is no ${withSuffix(name)}: use -c, or create, or choose one of`);
      return listConf(undefined, options);
    }
    const sample = seen(places, SAMPLE);
    if (existsSync(sample)) writeFileSync(seen(places, path), readFileSync(sample));
  }
  return await editFile(seen(places, path));
}

/** Where finit installs it; gone if the administrator has removed it. */
const SAMPLE = '/lib/finit/sample.conf';

export const remove = confCommand(
  'delete',
  {
    usage: '[-f] CONF…',
    help: `Deletes a .conf file and the link to it in finit.d/enabled, after asking back.

  -f, --force  do not ask back

Exit codes: 0; 1 it could not be deleted; 4 it is of a service that is built into finit; 72 there is no finit.d.`,
  },
  async (places, name, options) => {
    const path = confPath(places, name);
    if (path === undefined) {
      await refuseBuiltIn(name, options);
      throw new Failure(EXIT.missingFile, `there is no directory ${places.directory}`);
    }
    if (!exists(places, path) && !options.quiet) warn(`there is no ${path}`);
    if (!options.force && !asksYes(`Remove file and symlink(s) to ${path} (y/N)? `)) return EXIT.ok;
    const link = enabledPath(places, name);
    if (link !== path) attempt(() => unlinkSync(places.root + link));
    const problem = attempt(() => unlinkSync(places.root + path));
    if (problem !== undefined) throw new Failure(EXIT.failed, `${path} could not be removed: ${problem}`);
    return EXIT.ok;
  },
);

export const touch = confCommand(
  'touch',
  {
    usage: '[-n] CONF…',
    help: `Gives a .conf file the present time, so that the next reload starts what is in it anew.

  -n, --noerr  exit with 0 in any case

Exit codes: 0; 71 it could not be done; 72 there is none; 4 it is of a service that is built into finit.`,
  },
  async (places, name, options) => {
    const enabled = withSuffix(`${places.directory}/enabled/${checkConfName(name)}`);
    let path = exists(places, enabled) ? enabled : confPath(places, name);
    if (path === undefined || !exists(places, path)) {
      if (!name.includes('finit.conf'))
        throw new Failure(EXIT.missingFile, `${name} not available: there is no such .conf file`, {
          ignorable: true,
        });
      await refuseBuiltIn(name, options);
      path = places.conf;
    }
    const now = Date.now() / 1000;
    // The link itself, as initctl does: it is what finit looks at.
    const problem = attempt(() => lutimesSync(places.root + path, now, now));
    if (problem !== undefined)
      throw new Failure(EXIT.osError, `${path} could not be marked for reload: ${problem}`, {
        ignorable: true,
      });
    return EXIT.ok;
  },
);

export const enable = confCommand(
  'enable',
  {
    usage: '[-cn] CONF…',
    help: `Links a .conf file of finit.d/available into finit.d/enabled. NAME@ID is made from the template NAME@.conf.

  -c, --create  make finit.d/enabled if it is not there
  -n, --noerr   exit with 0 when it is enabled already

Exit codes: 0; 1 it is enabled already, or cannot be linked; 72 there is none; 73 finit.d/enabled cannot be made.`,
  },
  (places, name, options) => {
    checkConfName(name);
    const { directory } = places;
    if (!isDirectory(places, directory))
      throw new Failure(EXIT.missingFile, `there is no directory ${directory}`);
    const enabled = `${directory}/enabled`;
    if (options.create && !isDirectory(places, enabled)) {
      const problem = attempt(() => mkdirSync(seen(places, enabled), { mode: 0o755 }));
      if (problem !== undefined)
        throw new Failure(EXIT.cannotCreate, `${enabled} cannot be made: ${problem}`);
    }
    const file = withSuffix(name);
    const link = `${enabled}/${file}`;
    if (exists(places, link)) throw new Failure(EXIT.failed, `${name} already enabled`, { ignorable: true });
    const at = file.indexOf('@');
    const source = `${directory}/available/${at < 0 ? file : withSuffix(file.slice(0, at + 1))}`;
    if (!exists(places, source)) throw new Failure(EXIT.missingFile, `there is no ${source}`);
    // The link says where finit finds it, not where we do.
    const problem = attempt(() => symlinkSync(source, places.root + link));
    if (problem !== undefined)
      throw new Failure(
        EXIT.failed,
        `${name} could not be enabled: ${problem}${isDirectory(places, enabled) ? '' : ` (-c makes ${enabled})`}`,
      );
    return EXIT.ok;
  },
);

export const disable = confCommand(
  'disable',
  {
    usage: '[-n] CONF…',
    help: `Removes a .conf file's link from finit.d/enabled; where there is no such directory, the file from finit.d.

  -n, --noerr  exit with 0 when it is not enabled

Exit codes: 0; 1 it could not be removed; 6 it is not enabled.`,
  },
  (places, name) => {
    checkConfName(name);
    if (!isDirectory(places, places.directory))
      throw new Failure(EXIT.missingFile, `there is no directory ${places.directory}`);
    const path = enabledPath(places, name);
    if (!exists(places, path))
      throw new Failure(EXIT.notEnabled, `${withSuffix(name)} not (an) enabled (service).`, {
        ignorable: true,
      });
    const problem = attempt(() => unlinkSync(places.root + path));
    if (problem !== undefined) throw new Failure(EXIT.failed, `${path} could not be removed: ${problem}`);
    return EXIT.ok;
  },
);

/** do_disable(): in enabled/ where there is such a directory, else in finit.d itself. */
function enabledPath(places: ConfPlaces, name: string): string {
  const { directory } = places;
  const enabled = `${directory}/enabled`;
  return withSuffix(`${isDirectory(places, enabled) ? enabled : directory}/${name}`);
}

/** is_builtin(): finit has it, and no file of it. */
async function refuseBuiltIn(name: string, { force }: OptionValues): Promise<void> {
  if (force || name === '') return;
  const service = await services.get(name).catch(() => undefined);
  if (service?.origin === '')
    throw new Failure(EXIT.builtIn, `${name} is a built-in service.`, { ignorable: true });
}

/** Makes a file so that it is there whole or not at all. The path is no link: see {@link seen}. */
function inOneStep(path: string, make: (temporary: string) => void): void {
  const temporary = `${path}.${process.pid}.tmp`;
  const problem = attempt(() => {
    make(temporary);
    try {
      const before = statSync(path, { throwIfNoEntry: false });
      if (before) chmodSync(temporary, before.mode & 0o7777);
      renameSync(temporary, path);
    } catch (error) {
      attempt(() => unlinkSync(temporary));
      throw error;
    }
  });
  if (problem !== undefined) throw new Failure(EXIT.cannotCreate, `${path} could not be written: ${problem}`);
}

/** What went wrong, in the system's words. */
function attempt(act: () => void): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
