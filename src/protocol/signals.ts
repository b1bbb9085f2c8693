/** Names of signals. */
import { constants } from 'node:os';

const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.signals)) {
  // SIGIOT and SIGPOLL are second names that come later in the list.
  if (!names.has(number)) names.set(number, name);
}

/** E.g. `'SIGTERM'`; `'SIG34'` for one without a name. */
export function signalName(number: number): string {
  return names.get(number) ?? `SIG${number}`;
}
