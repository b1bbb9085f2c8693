/** Explanations as text. No I/O. */
import type { Explanation, Reason } from './explain.js';

/**
 * An explanation as lines for a terminal: a tree. Control characters in names, which come from finit's configuration, are replaced.
 * @example
 * shop: waiting
 * └─ <service/db/ready> is off: it comes when db is ready
 *    └─ db: missing
 *       └─ its program /usr/sbin/dbd does not exist, or may not be executed
 */
export function formatExplanation(explanation: Explanation): string[] {
  return explanationLines(explanation).map(printable);
}

function explanationLines({ service, state, reasons }: Explanation): string[] {
  return [`${service}: ${state}`, ...branches(reasons.map(reasonLines))];
}

function reasonLines({ message, owner, ownedBy, circle }: Reason): string[] {
  if (owner !== undefined) return [message, ...branches([explanationLines(owner)])];
  if (circle) return [`${message}; ${ownedBy} is what waits for it: a circle`];
  return [ownedBy === undefined ? message : `${message} (${ownedBy}: see above)`];
}

/** Children, each with its own lines, under a line. */
function branches(children: readonly (readonly string[])[]): string[] {
  return children.flatMap((lines, i) => {
    const last = i === children.length - 1;
    return lines.map((line, j) => (j === 0 ? (last ? '└─ ' : '├─ ') : last ? '   ' : '│  ') + line);
  });
}

function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return line.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}
