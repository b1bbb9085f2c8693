// Our layouts are those that compilers made of finit's headers.
import test from 'ava';
import { pickFields } from '#src/protocol/record-fields.js';
import { endMarkers, layoutOf, recordLayouts, releasesOf } from '#src/protocol/record-layouts.js';
import { ABIS, layOut, pointerSizeOf, VERSIONS } from '#src/protocol/record-struct.js';
import { compiledLayouts } from '../helpers/svc-layouts.js';

const ourNames: Record<string, string> = { x86_64: '64-bit', 'x86_64-musl': '64-bit', aarch64: '64-bit' };

test('the fixture has every release on every ABI', (t) => {
  t.deepEqual([...new Set(compiledLayouts.map(({ abi }) => abi))].sort(), [
    ...['aarch64', 'armhf', 'armhf-time32', 'i386', 'i386-time64', 'x86_64', 'x86_64-musl'],
  ]);
  for (const abi of new Set(compiledLayouts.map(({ abi }) => abi))) {
    const of = (oldUev: boolean) =>
      compiledLayouts
        .filter((layout) => layout.abi === abi && layout.oldUev === oldUev)
        .map((l) => l.version);
    t.deepEqual(new Set(of(false)), new Set(VERSIONS));
    t.deepEqual(new Set(of(true)), new Set(VERSIONS.slice(0, VERSIONS.indexOf('4.15'))));
  }
});

for (const { abi, architecture, version, oldUev, length, fields } of compiledLayouts) {
  const title = `finit ${version} on ${abi}${oldUev ? ' with an old libuev' : ''}`;

  test(`every member of ${title} is where the compiler put it`, (t) => {
    const ours = ABIS[architecture]?.find(({ name }) => name === (ourNames[abi] ?? abi));
    if (ours === undefined) return t.fail();
    const struct = layOut(version, ours, oldUev);
    t.is(struct.length, length);
    const shared = Object.keys(fields).filter((name) => struct.fields.has(name));
    for (const name of shared) t.deepEqual(struct.fields.get(name), fields[name], name);
    // What we decode, the compiler has, too, or that finit has no such member.
    for (const name of Object.keys(pickFields(struct.fields)))
      t.is(struct.fields.has(name), name in fields || `${name}.next` in fields, name);
  });

  test(`${title} is known by its length, and its end marker, too`, (t) => {
    const layout = recordLayouts(architecture).find(
      (one) => one.length === length && one.versions.includes(version) && one.oldUev === oldUev,
    );
    t.truthy(layout);
    t.true(releasesOf(new Uint8Array(length), architecture).length > 0);
    t.is(layoutOf(new Uint8Array(length), architecture)?.length, length);
    t.is(layout?.pointerSize, fields['link.tqe_prev']?.[0]);
    t.is(pointerSizeOf(architecture), fields['link.tqe_prev']?.[0] as number);
    const markers = endMarkers(architecture);
    const index = markers.findIndex((value, i) => i % 2 === 0 && value === length);
    t.is(markers[index + 1], fields.pid?.[0]);
  });
}

test('no record is known on an architecture that has no layouts', (t) => {
  t.deepEqual(recordLayouts('s390x'), []);
  t.is(endMarkers('s390x').length, 0);
  t.is(layoutOf(new Uint8Array(20360), 's390x'), undefined);
  t.deepEqual(releasesOf(new Uint8Array(20360), 's390x'), []);
});

test('lengths are unique on an architecture, but for those that are told apart by their content', (t) => {
  const shared = Object.keys(ABIS).flatMap((architecture) => {
    const layouts = recordLayouts(architecture);
    return layouts
      .filter(({ length }) => layouts.filter((other) => other.length === length).length > 1)
      .map(({ versions, abi, oldUev }) => `${abi} ${versions.join()}${oldUev ? ' old' : ''}`);
  });
  t.deepEqual([...new Set(shared)].sort(), [
    '64-bit 4.2',
    '64-bit 4.2 old',
    '64-bit 4.3',
    '64-bit 4.3 old',
    'armhf 4.10,4.11,4.12 old',
    'armhf 4.9',
    'armhf-time32 4.10,4.11,4.12 old',
    'armhf-time32 4.9',
  ]);
});
