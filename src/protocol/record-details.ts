/** The members of a {@link Service} that not every finit has, or not every service. */
import { readNumber } from './bytes.js';
import type { RecordFields } from './record-fields.js';
import type { Field } from './record-struct.js';
import type { CgroupSettings, LogSettings, Service, ServiceScripts } from './service.js';
import { signalName } from './signals.js';
import { decodeText } from './text.js';

/** Adds them to what has been read of the record so far. */
export function addDetails(service: Service, bytes: Uint8Array, fields: RecordFields): void {
  service.starts = readNumber(bytes, fields.once);
  service.respawn = flag(bytes, fields.respawn);
  service.stopSignal = signalName(readNumber(bytes, fields.sighalt));
  service.killDelay = readNumber(bytes, fields.killdelay);
  service.cgroup = cgroupOf(bytes, fields);
  if (fields.manual) service.manual = flag(bytes, fields.manual);
  if (fields.remain) service.remain = flag(bytes, fields.remain);
  if (fields.flux_reload) service.reloadPropagates = flag(bytes, fields.flux_reload);

  if (service.type === 'tty') addTty(service, bytes, fields);
  else if (flag(bytes, fields['log.enabled'])) service.log = logOf(bytes, fields);

  const scripts = scriptsOf(bytes, fields);
  if (scripts !== undefined) service.scripts = scripts;
  if (has(bytes, fields.conflict))
    service.conflicts = text(bytes, fields.conflict).split(',').filter(Boolean);
  if (has(bytes, fields.ifstmt)) service.ifStatement = text(bytes, fields.ifstmt);
  if (has(bytes, fields.supgroups)) service.supplementaryGroups = list(bytes, fields.supgroups);
  if (has(bytes, fields.capabilities)) service.capabilities = text(bytes, fields.capabilities);
  if (service.type !== 'tty' && has(bytes, fields['log.ctty']))
    service.controllingTerminal = text(bytes, fields['log.ctty']);
  if (has(bytes, fields.provides)) service.provides = list(bytes, fields.provides);
}

function cgroupOf(bytes: Uint8Array, fields: RecordFields): CgroupSettings {
  const name = text(bytes, fields['cgroup.name']);
  const settings = text(bytes, fields['cgroup.cfg']);
  const leaf = fields['cgroup.leafname'];
  if (leaf === undefined) return { name, settings };
  return { name, settings, leafName: text(bytes, leaf), delegate: flag(bytes, fields['cgroup.delegate']) };
}

/** As redirect() and lredirect() in src/service.c choose. */
function logOf(bytes: Uint8Array, fields: RecordFields): LogSettings {
  const priority = text(bytes, fields['log.prio']);
  const tag = text(bytes, fields['log.ident']);
  if (flag(bytes, fields['log.null'])) return { to: 'null', priority, tag };
  if (flag(bytes, fields['log.console'])) return { to: 'console', priority, tag };
  const file = text(bytes, fields['log.file']);
  return file.startsWith('/') ? { to: 'file', file, priority, tag } : { to: 'syslog', priority, tag };
}

function addTty(service: Service, bytes: Uint8Array, fields: RecordFields): void {
  service.tty = {
    device: text(bytes, fields.dev),
    baud: text(bytes, fields.baud),
    term: text(bytes, fields.term),
    noclear: flag(bytes, fields.noclear),
    nowait: flag(bytes, fields.nowait),
    nologin: flag(bytes, fields.nologin),
    notty: flag(bytes, fields.notty),
    rescue: flag(bytes, fields.rescue),
  };
}

function scriptsOf(bytes: Uint8Array, fields: RecordFields): ServiceScripts | undefined {
  const { pre_script, post_script, ready_script, cleanup_script, reload_script, stop_script } = fields;
  let scripts: ServiceScripts | undefined;
  if (has(bytes, pre_script)) scripts = { pre: text(bytes, pre_script) };
  if (has(bytes, post_script)) scripts = { ...scripts, post: text(bytes, post_script) };
  if (has(bytes, ready_script)) scripts = { ...scripts, ready: text(bytes, ready_script) };
  if (has(bytes, cleanup_script)) scripts = { ...scripts, cleanup: text(bytes, cleanup_script) };
  if (has(bytes, reload_script)) scripts = { ...scripts, reload: text(bytes, reload_script) };
  if (has(bytes, stop_script)) scripts = { ...scripts, stop: text(bytes, stop_script) };
  return scripts;
}

/** Whether there is such a field, and text in it. */
function has(bytes: Uint8Array, field: Field | undefined): field is Field {
  return field !== undefined && bytes[field[0]] !== 0;
}

function text(bytes: Uint8Array, field: Field): string {
  return bytes[field[0]] === 0 ? '' : decodeText(bytes, field[0], field[1]);
}

function flag(bytes: Uint8Array, field: Field | undefined): boolean {
  return field !== undefined && bytes[field[0]] !== 0;
}

/** An array of texts, up to the first that is empty. */
function list(bytes: Uint8Array, [start, size, element = size]: Field): string[] {
  const items: string[] = [];
  for (let at = start; at < start + size && bytes[at] !== 0; at += element)
    items.push(decodeText(bytes, at, element));
  return items;
}
