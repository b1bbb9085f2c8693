// What the captured records look like when printed, against what the initctl of that finit printed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { condTable } from '#src/cli/cond-format.js';
import {
  columnWidths,
  jsonLines,
  type ShownService,
  statusDetails,
  statusJson,
  statusTable,
} from '#src/cli/status-format.js';
import { decodeServiceRecord } from '#src/protocol/service-record.js';
import type { Service } from '#src/services/index.js';
import { captures } from '../helpers/captures.js';
import { projectRoot } from '../helpers/project.js';

const screen = { terminal: false, columns: 80, rows: 24 };
const style = { plain: true, heading: true, verbose: false, screen };

function said(version: string, name: string): string | undefined {
  const file = join(projectRoot, 'test/fixtures/captures', version, `${name}.gz`);
  return existsSync(file) ? gunzipSync(readFileSync(file)).toString() : undefined;
}

const services = (records: readonly Buffer[]): Service[] =>
  records.flatMap((record) => {
    const service = decodeServiceRecord(record, 'x64');
    // What their states were then stands in initctl's words only: see shown().
    return service
      ? { ...service, conditions: service.conditions.map((name) => ({ name, state: 'off' as const })) }
      : [];
  });

const STATES = { '+': 'on', '-': 'off', '~': 'flux' } as const;

/** The states that the conditions had then, which the records do not say, are taken from initctl's words. */
function shown(service: Service, signed: readonly string[], uptime: number): ShownService {
  return {
    service,
    conditions: signed.map((text) => ({
      name: text.slice(1),
      state: STATES[text.charAt(0) as keyof typeof STATES],
    })),
    uptime,
  };
}

for (const { version, records, expected } of captures) {
  const all = services(records);

  // 4.2 has no JSON, and details of another kind.
  if (version === '4.2') continue;

  test(`the details of a service are laid out as by the initctl of ${version}`, (t) => {
    let compared = 0;
    for (const [i, service] of all.entries()) {
      const theirs = expected[i]?.initctl;
      if (!theirs) continue;
      const line = theirs.find((text) => text.startsWith('Condition(s)'));
      const signed = line ? (/<(.*)>/.exec(line)?.[1] ?? '').split(',') : [];
      // A clock that went on, and what depends on the machine's cgroups.
      const fixed = (lines: readonly string[]): string[] =>
        lines.filter((text) => !/^ +(?:Uptime|Memory|CGroup) :|^ {14}/.test(text) && text !== '');
      t.deepEqual(
        fixed(statusDetails(shown(service, signed, 1), undefined)),
        fixed(theirs),
        service.identity,
      );
      compared++;
    }
    t.true(compared > 35);
  });

  const table = said(version, 'status.txt');
  if (table !== undefined)
    test(`the table of services is that of the initctl of ${version}`, (t) => {
      t.is(`${statusTable(all, all, style).join('\n')}\n`, table);
      const rows = statusTable(all, all, { ...style, heading: false });
      t.deepEqual(rows, table.trimEnd().split('\n').slice(2));
    });

  const json = said(version, 'status.json');
  if (json !== undefined)
    test(`the JSON is that of the initctl of ${version}, but for what makes it valid and what is added`, (t) => {
      const ours = all.map((service) => {
        const [, object = ''] = json.split(`"identity": "${service.identity}",`);
        const signed = /^.*\n(?:(?! {2}\}).*\n)*? {4}"condition": \[ (.*) \]/.exec(object)?.[1] ?? '';
        const uptime = /"uptime": (\d+)/.exec(object)?.[1] ?? '';
        const names = signed === '' ? [] : signed.split(', ').map((text) => text.slice(1, -1));
        return statusJson(shown(service, names, Number(uptime)));
      });
      const text = jsonLines(ours).join('\n');
      t.deepEqual(JSON.parse(text), ours);
      // The fields that initctl lacks stand at the end of each object; 4.12 to 4.15 do not escape.
      const comparable = (from: string): string =>
        from
          .replaceAll(/,\n {4}"effectiveState".*?\n {2}\}/gs, '\n  }')
          .replaceAll('\\"', '"')
          .trim();
      t.is(comparable(text), comparable(json));
    });

  const cond = said(version, 'cond.txt');
  if (cond !== undefined)
    test(`the table of conditions is that of the initctl of ${version}`, (t) => {
      const [title = '', ...rows] = stripVTControlCharacters(cond).trimEnd().split('\n');
      const having = all
        .filter(({ rawConditions }) => rawConditions !== '')
        .map((service) => {
          const row = rows.find((text) => text.split(/ +/)[1] === service.identity) ?? '';
          return shown(service, (/<(.*)>/.exec(row)?.[1] ?? '').split(','), 1);
        });
      const ours = condTable(having, columnWidths(all), { ...style, plain: false });
      // Where identities are long, initctl's heading is cut, also where there is no terminal.
      t.true(ours[0]?.startsWith(title.trimEnd()));
      t.deepEqual(ours.slice(1), rows);
    });
}

test('an empty list is JSON, too', (t) => {
  t.deepEqual(jsonLines([]), ['[]']);
});

test('descriptions are cut to the width of a terminal, and commands stand in their place with -v', (t) => {
  const [{ records } = { records: [] }] = captures;
  const all = services(records);
  const [, ...rows] = statusTable(all, all, {
    ...style,
    plain: false,
    screen: { terminal: true, columns: 60, rows: 24 },
  });
  t.true(rows.every((row) => row.length <= 60));
  t.true(rows.some((row) => row.length === 60));
  const [first] = all;
  t.truthy(first);
  const [, , verbose = ''] = statusTable(all, all, { ...style, verbose: true });
  t.true(verbose.endsWith([first?.command, ...(first?.args ?? [])].join(' ')));
});
