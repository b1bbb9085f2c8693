/** The signals of finit 5's bus (src/dbus.c, 5.0-dev), as plain data. */
import { toRunlevel } from './bus-values.js';
import type { Runlevel } from './service.js';

/** What finit tells on its bus without being asked: a hint where to look, not the truth. */
export type BusSignal =
  /**
   * A service went from one state of the state machine to another. These words are coarser than `Service.state`: they do not tell
   * crashed or stopped from halted, nor failed from done.
   */
  | { type: 'service'; identity: string; state: string; previous: string }
  /** The runlevel changed; `undefined` for N, none. */
  | { type: 'runlevel'; current: Runlevel | undefined; previous: Runlevel | undefined }
  /** A reload of the configuration is complete. */
  | { type: 'reloaded' }
  /** A condition went on or off. Not told of all: what goes into flux, nor `service/x/<state>` that ends. */
  | { type: 'condition'; name: string; state: string }
  /** From now on signals are heard; some may have been missed before. So everything has to be asked for. */
  | { type: 'resync' };

/** The rules (AddMatch) that bring these. A finit takes 16 for each connection. */
export const MATCH_RULES: readonly string[] = [
  "type='signal',interface='org.finit.Manager1'",
  "type='signal',interface='org.finit.Cond1'",
];

/** What a signal says; undefined for one that is not known. */
export function toBusSignal(
  interfaceName: string,
  member: string,
  body: readonly unknown[],
): BusSignal | undefined {
  const [first, second, third] = body.map((value) => (typeof value === 'string' ? value : undefined));
  switch (`${interfaceName}.${member}`) {
    case 'org.finit.Manager1.ServiceStateChanged':
      if (first === undefined || second === undefined || third === undefined) return undefined;
      return { type: 'service', identity: first, previous: second, state: third };
    case 'org.finit.Manager1.RunlevelChanged':
      if (first === undefined || second === undefined) return undefined;
      return { type: 'runlevel', previous: toRunlevel(first), current: toRunlevel(second) };
    case 'org.finit.Manager1.ConfigReloaded':
      return { type: 'reloaded' };
    case 'org.finit.Cond1.ConditionChanged':
      if (first === undefined || second === undefined) return undefined;
      // 5.0-dev announces those of the net plugin as "/net/lo/up".
      return { type: 'condition', name: first.replace(/^\/+/, ''), state: second };
    default:
      return undefined;
  }
}
