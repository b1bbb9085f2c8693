import { UsageError } from './command.js';

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `10s`, `500ms`, `2m`, `1h`, or seconds without a unit, in milliseconds. */
export function parseDuration(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? [];
  if (number === undefined) throw new UsageError(`${text} is no time: expected 10s, 500ms, 2m or 1h`);
  return Number(number) * (UNITS[unit] ?? 1000);
}
