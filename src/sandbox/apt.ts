/**
 * Debian's packages through the host's apt, with a state of its own: the host's settings for getting files (mirror,
 * proxies, certificates, keys) are read, its lists, status, hooks and archives are not touched.
 */
import { existsSync, readFileSync } from 'node:fs';
import { access, constants, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FinitError } from '../errors.js';
import type { Cache } from './cache.js';
import { type PrepareTools, searchPath } from './host.js';
import { type RunResult, run } from './run.js';

/** One package that apt would fetch. */
export interface AptFile {
  uri: string;
  /** Its name in the archive directory. */
  file: string;
  /** In bytes. */
  size: number;
}

/** An apt of our own for one suite. */
export interface PrivateApt {
  suite: string;
  architecture: string;
  mirror: string;
  archives: string;
  lists: string;
  /** The file for APT_CONFIG: read before, and instead of, the host's configuration. */
  config: string;
}

/** Where files are taken from, when the host's configuration should not say. */
export interface AptSource {
  suite: string;
  mirror?: string | undefined;
  keyring?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** Settings below Acquire that are about which indexes the host likes, not about how to get files. */
const NOT_OURS = /^Acquire::(IndexTargets|Languages|Changelogs|AllowInsecureRepositories)\b/;

/** From `apt-config dump`: the lines about getting files, as they are (apt reads them back). */
export function acquireSettings(dump: string): string[] {
  return dump
    .split('\n')
    .filter((line) => /^Acquire::\S+ "[^"]*";$/.test(line) && !NOT_OURS.test(line) && !line.endsWith(' "";'));
}

/** One value of `apt-config dump`. */
export function aptSetting(dump: string, name: string): string | undefined {
  const found = dump.split('\n').find((line) => line.startsWith(`${name} "`));
  return found?.slice(name.length + 2, -2);
}

/** The output of `apt-get --print-uris`. */
export function parsePrintUris(text: string): AptFile[] {
  const files: AptFile[] = [];
  for (const line of text.split('\n')) {
    const match = /^'([^']+)' (\S+) (\d+)/.exec(line);
    if (match?.[1] && match[2] && match[3])
      files.push({ uri: match[1], file: match[2], size: Number(match[3]) });
  }
  return files;
}

/**
 * Debian's archive among the host's sources.
 * @param targets Lines of `apt-get indextargets`: repository URI, origin and component, separated by `|`. Says whose
 *   an archive is, but knows only what was downloaded.
 * @param uris `apt-get update --print-uris`: what would be downloaded, so it also speaks before the first update.
 */
export function findMirror(targets: string, uris: string): string | undefined {
  const tidy = (uri: string) => uri.replace(/\/+$/, '');
  for (const line of targets.split('\n')) {
    const [uri, origin, component, label] = line.split('|');
    if (uri && origin === 'Debian' && label === 'Debian' && component === 'main') return tidy(uri);
  }
  const found = parsePrintUris(uris).flatMap(({ uri }) => {
    const match = /^(.*)\/dists\/([a-z]+)\/InRelease$/.exec(uri);
    return match?.[1] && /debian/i.test(match[1]) && !/security|backports|ports/i.test(match[1])
      ? [tidy(match[1])]
      : [];
  });
  return found.find((uri) => uri.endsWith('/debian')) ?? found[0];
}

/** Signed-By of the stanza of a deb822 file that names the mirror. */
export function signedBy(sources: string, mirror: string): string | undefined {
  for (const stanza of sources.split(/\n\s*\n/)) {
    const uris = /^URIs:(.*)$/im.exec(stanza)?.[1]?.trim().split(/\s+/) ?? [];
    if (!uris.some((uri) => uri.replace(/\/+$/, '') === mirror)) continue;
    const file = /^Signed-By:[ \t]*(\/\S+)[ \t]*$/im.exec(stanza)?.[1];
    if (file) return file;
  }
  return undefined;
}

async function ask(tools: PrepareTools, argv: string[], signal?: AbortSignal): Promise<string> {
  return (await run(tools, argv, { signal, env: { ...process.env, LC_ALL: 'C' } })).stdout;
}

async function hostMirror(tools: PrepareTools, signal?: AbortSignal): Promise<string> {
  const targets = await ask(
    tools,
    [
      tools['apt-get'],
      'indextargets',
      '--format',
      '$(REPO_URI)|$(ORIGIN)|$(COMPONENT)|$(LABEL)',
      'Created-By: Packages',
    ],
    signal,
  );
  const mirror =
    findMirror(targets, '') ??
    findMirror(
      '',
      // NoLocking: a question needs no lock, and an ordinary user could not take it.
      await ask(tools, [tools['apt-get'], '-o', 'Debug::NoLocking=1', 'update', '--print-uris'], signal),
    );
  if (mirror !== undefined) return mirror;
  throw new FinitError(
    'FINIT_SANDBOX_UNAVAILABLE',
    'the host\'s apt has no source for Debian\'s packages: name a mirror with the option "mirror", --mirror, or ' +
      'NODE_FINIT_MIRROR, or boot a tree of your own (the option "root")',
  );
}

/** The keyring of Debian's archive: what the host trusts for that mirror, or what debian-archive-keyring installs. */
async function hostKeyring(tools: PrepareTools, mirror: string, signal?: AbortSignal): Promise<string> {
  const entries = await ask(
    tools,
    [tools['apt-get'], 'indextargets', '--format', '$(SOURCESENTRY)|$(REPO_URI)', 'Created-By: Packages'],
    signal,
  );
  const files = new Set(
    entries
      .split('\n')
      .filter((line) => line.includes(mirror))
      .map((line) => line.replace(/(:\d+)?\|.*$/, '')),
  );
  for (const file of files) {
    try {
      const keyring = signedBy(readFileSync(file, 'utf8'), mirror);
      if (keyring !== undefined && existsSync(keyring)) return keyring;
    } catch {
      // not a file we may read: the well-known places remain
    }
  }
  for (const name of ['debian-archive-keyring.gpg', 'debian-archive-keyring.pgp'])
    if (existsSync(`/usr/share/keyrings/${name}`)) return `/usr/share/keyrings/${name}`;
  throw new FinitError(
    'FINIT_SANDBOX_UNAVAILABLE',
    "Debian's archive keys are not on this host: apt-get install debian-archive-keyring, " +
      'or name a keyring file with NODE_FINIT_KEYRING',
  );
}

const quoted = (text: string) => `"${text.replace(/[%"\\]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}"`;

/**
 * Makes, or makes again, the private apt of a suite.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` when no mirror or keyring is known, `FINIT_INVALID_ARGUMENT` for a name
 *   that cannot be a suite.
 */
export async function privateApt(tools: PrepareTools, cache: Cache, source: AptSource): Promise<PrivateApt> {
  const { suite, signal } = source;
  const dump = await ask(tools, [tools['apt-config'], 'dump'], signal);
  const architecture = aptSetting(dump, 'APT::Architecture') || 'amd64';
  const mirror = source.mirror ?? (process.env.NODE_FINIT_MIRROR || (await hostMirror(tools, signal)));
  const keyring =
    source.keyring ?? (process.env.NODE_FINIT_KEYRING || (await hostKeyring(tools, mirror, signal)));
  if (/[\s\]]/.test(mirror + keyring))
    throw new FinitError('FINIT_INVALID_ARGUMENT', `not a mirror or keyring: ${mirror} ${keyring}`);
  const dir = join(cache.suites, `${suite}-${architecture}`);
  const lists = join(dir, 'state/lists');
  const archives = join(dir, 'archives');
  for (const part of [
    join(lists, 'partial'),
    join(archives, 'partial'),
    join(dir, 'etc/apt.conf.d'),
    join(dir, 'etc/preferences.d'),
  ])
    await mkdir(part, { recursive: true });
  const status = join(dir, 'state/status');
  await writeFile(status, '');
  await writeFile(
    join(dir, 'etc/sources.list'),
    `deb [arch=${architecture} signed-by=${keyring}] ${mirror} ${suite} main\n`,
  );
  const settings: Record<string, string> = {
    'Dir::Etc': join(dir, 'etc'),
    'Dir::State': join(dir, 'state'),
    'Dir::State::status': status,
    'Dir::Cache': dir,
    'Dir::Cache::archives': archives,
    'APT::Architecture': architecture,
    'APT::Install-Recommends': 'false',
    'APT::Install-Suggests': 'false',
    // The cache need not be readable by _apt.
    'APT::Sandbox::User': 'root',
    'APT::Update::Error-Mode': 'any',
    'Acquire::Languages': 'none',
    'Binary::apt-get::APT::Keep-Downloaded-Packages': 'true',
  };
  // Logins for private mirrors, where we may read them.
  const etc = resolve(aptSetting(dump, 'Dir') || '/', aptSetting(dump, 'Dir::Etc') || 'etc/apt');
  for (const [name, file] of [
    ['netrc', 'auth.conf'],
    ['netrcparts', 'auth.conf.d'],
  ] as const) {
    const path = join(etc, file);
    if (
      await access(path, constants.R_OK).then(
        () => true,
        () => false,
      )
    )
      settings[`Dir::Etc::${name}`] = path;
  }
  const acquire = acquireSettings(dump);
  if (!acquire.some((line) => line.startsWith('Acquire::Retries '))) settings['Acquire::Retries'] = '2';
  const config = join(dir, 'apt.conf');
  await writeFile(
    config,
    [
      ...acquire,
      '#clear APT::Architectures;',
      `APT::Architectures:: ${quoted(architecture)};`,
      ...Object.entries(settings).map(([name, value]) => `${name} ${quoted(value)};`),
      '',
    ].join('\n'),
  );
  return { suite, architecture, mirror, archives, lists, config };
}

async function aptGet(
  tools: PrepareTools,
  apt: PrivateApt,
  args: string[],
  signal: AbortSignal | undefined,
  onLine?: (line: string) => void,
): Promise<RunResult> {
  return run(tools, [tools['apt-get'], ...args], {
    signal,
    onLine,
    env: {
      ...process.env,
      PATH: searchPath(),
      LC_ALL: 'C',
      APT_CONFIG: apt.config,
      DEBIAN_FRONTEND: 'noninteractive',
    },
  });
}

/** The lines of apt's that say what is wrong. */
export function aptComplaints(text: string): string {
  const lines = text.split('\n').filter((line) => /^(E|W|Err)[:\d]/.test(line));
  const errors = lines.filter((line) => line.startsWith('E:'));
  return (errors.length > 0 ? errors : lines).slice(0, 4).join(' ') || text.trim().slice(-400);
}

function unavailable(apt: PrivateApt, doing: string, result: RunResult): FinitError {
  const said = aptComplaints(`${result.stderr}\n${result.stdout}`);
  const noSuite = /does not have a Release file|404 +Not Found/.test(result.stderr + result.stdout);
  const advice = noSuite
    ? `Is there a suite "${apt.suite}" at ${apt.mirror}? Debian's have names like forky, trixie, sid.`
    : `Is the network there? The mirror is ${apt.mirror} (from the host's apt, or the option "mirror"). ` +
      'Once the cache is filled ("node-finit sandbox --prepare"), no network is needed.';
  return new FinitError('FINIT_SANDBOX_UNAVAILABLE', `${doing} failed. ${advice} apt-get says: ${said}`, {
    subject: apt.suite,
  });
}

/**
 * Fetches the suite's list of packages.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` with what apt said, `FINIT_ABORTED`.
 */
export async function updateLists(tools: PrepareTools, apt: PrivateApt, signal?: AbortSignal): Promise<void> {
  const result = await aptGet(tools, apt, ['-q', 'update'], signal);
  if (result.code !== 0 || !(await hasLists(apt)))
    throw unavailable(apt, `fetching the list of Debian ${apt.suite}'s packages`, result);
}

/** True when the suite's list of packages has been fetched. */
export async function hasLists(apt: PrivateApt): Promise<boolean> {
  return (await readdir(apt.lists)).some((name) => name.includes('_Packages'));
}

/**
 * The packages with all they depend on, as apt resolves it on a system where nothing is installed.
 * @throws {FinitError} `FINIT_SANDBOX_UNAVAILABLE` when there is no such package in the suite, `FINIT_ABORTED`.
 */
export async function resolvePackages(
  tools: PrepareTools,
  apt: PrivateApt,
  packages: readonly string[],
  signal?: AbortSignal,
): Promise<AptFile[]> {
  // apt prints no URI for a package that it has: ask it with an archive directory that is always empty.
  const none = join(apt.archives, 'none');
  await mkdir(join(none, 'partial'), { recursive: true });
  const result = await aptGet(
    tools,
    apt,
    ['-o', `Dir::Cache::archives=${none}`, '-y', '-qq', '--print-uris', 'install', ...packages],
    signal,
  );
  if (result.code === 0) return parsePrintUris(result.stdout);
  const unknown = [...result.stderr.matchAll(/Unable to locate package (\S+)/g)].map((match) => match[1]);
  throw new FinitError(
    'FINIT_SANDBOX_UNAVAILABLE',
    unknown.length > 0
      ? `Debian ${apt.suite} has no package ${unknown.join(', ')}`
      : `apt cannot resolve ${packages.join(' ')} in Debian ${apt.suite}: ${aptComplaints(result.stderr)}`,
    { subject: unknown.join(' ') || packages.join(' ') },
  );
}

/**
 * Fetches packages into the archive directory; apt checks their hashes. False when some could not be had, which after
 * an old update means that the suite has moved on.
 * @throws {FinitError} `FINIT_ABORTED`.
 */
export async function downloadPackages(
  tools: PrepareTools,
  apt: PrivateApt,
  packages: readonly string[],
  options: { signal?: AbortSignal | undefined; onLine?: (line: string) => void },
): Promise<RunResult> {
  return aptGet(
    tools,
    apt,
    ['-y', '-q', '--download-only', 'install', ...packages],
    options.signal,
    options.onLine,
  );
}

/** The error for packages that could not be fetched. */
export function downloadFailed(apt: PrivateApt, result: RunResult): FinitError {
  return unavailable(apt, `fetching packages of Debian ${apt.suite}`, result);
}
