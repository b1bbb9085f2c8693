/** Colours, on a terminal, unless NO_COLOR is set or -p given. */
import { isTerminal, type Screen } from './output.js';

let wanted: boolean | undefined;

/** No colours from now on, also in commands that are loaded from other files than the bundle. */
export function plainStyle(): void {
  process.env.NO_COLOR = '1';
}

/** Whether there are colours. */
export function coloured(): boolean {
  wanted ??= !process.env.NO_COLOR && process.env.TERM !== 'dumb' && isTerminal(1);
  return wanted;
}

const paint =
  (code: string) =>
  (text: string): string =>
    coloured() ? `\x1b[${code}m${text}\x1b[0m` : text;

export const bold = paint('1');
export const dim = paint('2');
export const red = paint('31');
export const green = paint('32');
export const yellow = paint('33');
export const inverse = paint('7');

/** What a table's heading depends on. */
export interface HeadingStyle {
  /** -p: a line of = below it. */
  plain: boolean;
  screen: Screen;
}

/** A table's heading, as initctl has it (print_header() in src/initctl.c): inverse on a terminal. */
export function headingLines(text: string, { plain, screen }: HeadingStyle): string[] {
  if (plain) return [text, '='.repeat(screen.columns)];
  if (!screen.terminal) return [text.trimEnd()];
  return [inverse(text.slice(0, screen.columns).padEnd(screen.columns))];
}

/** Cut to the width of a terminal; whole where there is none. The text has no colours in it. */
export function cut(text: string, used: number, { terminal, columns }: Screen): string {
  return terminal ? text.slice(0, Math.max(0, columns - used)) : text;
}

/** Rows with columns as wide as their widest cell, the last one as it is. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  return [header, ...rows].map((row) =>
    row
      .map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
