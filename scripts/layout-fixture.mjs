// Makes test/fixtures/svc-layouts.json.gz, what test/protocol/record-layouts.test.ts compares with, of a svc-layouts.json:
// ABI -> length of the record -> [{ versions, fields: { member: [offset, size, element size if an array] } }], as compilers have it.
import { readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const [input] = process.argv.slice(2);
if (input === undefined) {
  console.error('Usage: node scripts/layout-fixture.mjs svc-layouts.json');
  process.exit(2);
}
const abis = Object.entries(JSON.parse(readFileSync(input, 'utf8')));
const known = new Map();
const fixture = {};
for (const [abi, layouts] of abis) {
  const text = JSON.stringify(layouts);
  // An ABI that is the same as another one is that one's name.
  fixture[abi] = known.get(text) ?? layouts;
  if (!known.has(text)) known.set(text, abi);
}
const output = new URL('../test/fixtures/svc-layouts.json.gz', import.meta.url);
writeFileSync(output, gzipSync(JSON.stringify(fixture), { level: 9 }));
