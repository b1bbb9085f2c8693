import { parseArgs } from 'node:util';
import type { Service } from '../services/index.js';
import * as services from '../services/index.js';
import { type Command, EXIT, UsageError } from './command.js';
import { bold, green, inverse, print, red, yellow } from './style.js';

export const command: Command = {
  name: 'status',
  summary: 'show services, or one of them',
  help: `Usage: node-finit status [--json] [NAME[:ID]]

All services as a table, as initctl's, or what finit knows about one.

  -j, --json  an array of all, or one object, as services.list() and get() give them

Exit codes: 0, 69 no such service, 1 failed.`,
  async run(argv) {
    const { values, positionals } = parseArgs({
      args: argv,
      allowPositionals: true,
      options: { json: { type: 'boolean', short: 'j' } },
    });
    if (positionals.length > 1) throw new UsageError('expected: status [NAME]');
    const [name] = positionals;
    if (name === undefined) {
      const all = await services.list();
      print(...(values.json ? [JSON.stringify(all, null, 2)] : statusTable(all)));
    } else {
      const service = await services.get(name);
      print(...(values.json ? [JSON.stringify(service, null, 2)] : details(service)));
    }
    return EXIT.ok;
  },
};

/** As `initctl status` prints it. */
export function statusTable(all: readonly Service[]): string[] {
  const width = Math.max(7, ...all.map(({ identity }) => identity.length));
  const header = `${'PID'.padEnd(7)} ${'IDENT'.padEnd(width)}  ${'STATUS'.padEnd(8)} ${'RUNLEVELS'.padEnd(13)} DESCRIPTION`;
  const rows = all.map(
    ({ pid = 0, identity, effectiveState, runlevels, description }) =>
      `${String(pid).padEnd(7)} ${identity.padEnd(width)}  ${paint(effectiveState)} ${services.formatRunlevels(runlevels).padEnd(13)} ${description}`,
  );
  return [process.stdout.isTTY ? inverse(header) : header, ...rows.map((row) => row.trimEnd())];
}

function paint(state: string): string {
  const text = state.padEnd(8);
  if (state === 'running' || state === 'done') return green(text);
  return ['crashed', 'failed', 'missing', 'restart', 'conflict'].includes(state) ? red(text) : yellow(text);
}

function details(service: Service): string[] {
  const up = services.uptime(service);
  const { exit } = service;
  const ended = exit && ('code' in exit ? `code ${exit.code}` : exit.signal);
  const rows: [string, string | undefined][] = [
    ['Status', paint(service.effectiveState).trimEnd()],
    ['Identity', service.identity],
    ['Description', service.description || undefined],
    ['Type', service.type],
    ['Origin', service.origin || undefined],
    ['Command', [service.command, ...service.args].join(' ')],
    ['Conditions', service.conditions.map((name) => `<${name}>`).join(' ') || undefined],
    ['Pid', service.pid === undefined ? undefined : String(service.pid)],
    ['Uptime', up === undefined ? undefined : `${Math.floor(up)} s`],
    ['Last end', ended],
    ['Restarts', `${service.restarts} (${service.crashes}/${service.maxCrashes})`],
    ['Runlevels', services.formatRunlevels(service.runlevels)],
    ['User', `${service.user}:${service.group}`],
    ['Readiness', service.notify],
  ];
  return rows.flatMap(([name, value]) =>
    value === undefined ? [] : [`${bold(name.padStart(11))} : ${value}`],
  );
}
