/** Where compilers put the members of finit's records: test/fixtures/svc-layouts.json.gz, made by scripts/layout-fixture.mjs. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { projectRoot } from './project.js';

export type CompiledField = [offset: number, size: number, element?: number];

export interface CompiledLayout {
  /** E.g. `armhf-time32`. */
  abi: string;
  /** As in `process.arch`. */
  architecture: string;
  length: number;
  /** One release, `5.0-dev` for what was HEAD. */
  version: string;
  oldUev: boolean;
  fields: Record<string, CompiledField>;
}

const architectures: Record<string, string> = {
  x86_64: 'x64',
  'x86_64-musl': 'x64',
  aarch64: 'arm64',
  armhf: 'arm',
  'armhf-time32': 'arm',
  i386: 'ia32',
  'i386-time64': 'ia32',
};

type Layouts = Record<string, { versions: string[]; fields: Record<string, CompiledField> }[]>;

function load(): CompiledLayout[] {
  const file = join(projectRoot, 'test/fixtures/svc-layouts.json.gz');
  const fixture: Record<string, Layouts | string> = JSON.parse(gunzipSync(readFileSync(file)).toString());
  return Object.entries(fixture).flatMap(([abi, layouts]) => {
    // The name of an ABI that is the same.
    const own = typeof layouts === 'string' ? (fixture[layouts] as Layouts) : layouts;
    return Object.entries(own).flatMap(([length, entries]) =>
      entries.flatMap(({ versions, fields }) =>
        versions.map((version) => ({
          abi,
          architecture: architectures[abi] ?? abi,
          length: Number(length),
          version: version.split(' ')[0]?.replace('HEAD', '5.0-dev') ?? '',
          oldUev: version.includes('libuev<2.4'),
          fields,
        })),
      ),
    );
  });
}

/** Every release on every ABI. */
export const compiledLayouts: readonly CompiledLayout[] = load();
