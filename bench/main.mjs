// npm run bench: node-finit against a C program that does the same, and against finit's initctl. See docs/bench.md.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const HELP = `Usage: npm run bench -- [--quick] [--only TEXT]

Measures node-finit against its peers on a real finit, and prints a table. Sets up what it needs. docs/bench.md explains the rows.

  --quick      fewer rounds: less exact
  --only TEXT  only rows with this text
  --help       this text
`;

const { values } = parseArgs({
  options: { quick: { type: 'boolean' }, only: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}

const say = (text) => process.stderr.write(`${text}\n`);
const setup = spawnSync(process.execPath, [join(import.meta.dirname, '../scripts/setup.mjs'), 'bench'], {
  stdio: ['ignore', 2, 2],
});
if (setup.status !== 0) process.exit(setup.status ?? 1);

const { compile } = await import('./measure.mjs');
const { fakeFinit, peers, realFinit } = await import('./places.mjs');
const { rows } = await import('./rows.mjs');

const wanted = rows.filter(({ what }) => what.toLowerCase().includes((values.only ?? '').toLowerCase()));
if (wanted.length === 0) {
  say(`No row with "${values.only}". There are:\n${rows.map(({ what }) => `  ${what}`).join('\n')}`);
  process.exit(2);
}
const programs = compile();
const turns = values.quick ? 4 : 20;
const perService = new Map();
const results = new Map();

/** Rows of one place are measured together, so that finit is booted once for them. */
const places = new Map();
for (const row of withNeeded(wanted)) {
  const place = row.services === undefined ? 'here' : `${row.fake ? 'fake' : 'real'} ${row.services}`;
  places.set(place, [...(places.get(place) ?? []), row]);
}
for (const group of places.values()) {
  const [{ services, fake }] = group;
  const here = services === undefined;
  say(`bench: ${here ? 'this machine' : `${fake ? 'the fake' : 'finit'} with ${services} services`}`);
  const place = await (here ? peers : fake ? fakeFinit : realFinit)(services, programs);
  try {
    for (const row of group) {
      say(`bench:   ${row.what}`);
      results.set(row, await row.run({ ...place, services, programs, turns, perService }));
    }
  } finally {
    await place.end();
  }
}
process.stdout.write(table(wanted.map((row) => toCells(row, results.get(row)))));
process.exit(0);

/** With the rows that others take a figure from. */
function withNeeded(chosen) {
  const needed = chosen.flatMap(({ needs = [] }) => needs);
  return rows.filter(
    (row) => chosen.includes(row) || (row.fake && !row.needs && needed.includes(row.services)),
  );
}

function toCells({ what, goal, unit }, [ours, peer]) {
  const [mine, other] = what.split(' | ');
  const cells = [mine, other, figure(ours, unit), figure(peer, unit)];
  // Against nothing at all there is no ratio.
  const ratio = peer === 0 ? (ours === 0 ? 1 : Number.POSITIVE_INFINITY) : ours / peer;
  if (goal === undefined) return [...cells, factor(ratio), '', ''];
  return [...cells, factor(ratio), factor(goal), ratio <= goal ? 'yes' : 'no'];
}

function factor(ratio) {
  return ratio < 0.5 ? `1/${(1 / ratio).toFixed(ratio < 0.1 ? 0 : 1)}` : ratio.toFixed(2);
}

function figure(value, unit) {
  if (unit === 'times') return String(value);
  if (unit === 'KiB') return `${value} KiB`;
  if (value < 1e4) return `${Math.round(value)} ns`;
  return value < 1e6 ? `${(value / 1e3).toFixed(1)} µs` : `${(value / 1e6).toFixed(2)} ms`;
}

/** In Markdown, so that it can be put into docs/bench.md. */
function table(lines) {
  const all = [['what', 'peer', 'ours', 'its', 'ratio', 'goal', 'met'], ...lines];
  const widths = all[0].map((_, i) => Math.max(...all.map((cells) => cells[i].length)));
  const pad = (cells) =>
    `| ${cells.map((cell, i) => (i < 2 || i === 6 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(' | ')} |`;
  const rule = `| ${widths.map((width, i) => (i < 2 || i === 6 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  const [head, ...rest] = all;
  return `${[pad(head), rule, ...rest.map(pad)].join('\n')}\n`;
}
