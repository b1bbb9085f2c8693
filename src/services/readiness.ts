/** Whether a service has said that it is ready. */
import { assertedAt, isCut, statesOf } from '../conditions/index.js';
import { hasSince } from '../protocol/version.js';
import { type CallOptions, connect, type ServiceAction } from '../transport/index.js';
import type { Service } from './service.js';

/** Since when finit has `service/NAME/ready`. */
const HAS_READY = '4.4';
/** And for sysv scripts (service_ready() in src/service.c). */
const SYSV_HAS_READY = '4.13';

/** Follows one service from before an order on. */
export class Readiness {
  readonly #condition: string | undefined;
  readonly #before: Service;
  readonly #options: CallOptions;
  /** When its condition was asserted, if it has to be again. */
  readonly #assertedBefore: bigint | undefined;

  private constructor(
    condition: string | undefined,
    before: Service,
    isAgain: boolean,
    options: CallOptions,
  ) {
    this.#condition = condition;
    this.#before = before;
    this.#options = options;
    if (condition !== undefined && isAgain) this.#assertedBefore = assertedAt(condition, options);
  }

  /**
   * @param action - after a reload by SIGHUP a process has to say it again. With `notify:s6` it cannot, having closed its pipe.
   * @throws {FinitError} as every call
   */
  static async of(before: Service, action: ServiceAction, options: CallOptions): Promise<Readiness> {
    const { notify, effectiveState } = before;
    const isAgain =
      action === 'reload' && effectiveState === 'running' && (notify === 'systemd' || notify === 'pid');
    return new Readiness(await conditionOf(before, options), before, isAgain, options);
  }

  /**
   * Undefined for one that does not tell. That it says so again shows by finit's asserting a condition that is on all the time anew
   * (cond_set_path() in src/cond.c, 4.4 – 5.0-dev).
   */
  now({ pid }: Service): boolean | undefined {
    const condition = this.#condition;
    if (condition === undefined) return undefined;
    if (statesOf([condition], this.#options).get(condition) !== 'on') return false;
    if (this.#assertedBefore === undefined || this.#before.pid !== pid) return true;
    return assertedAt(condition, this.#options) !== this.#assertedBefore;
  }
}

/** The condition that says that a service is ready; undefined for one that does not tell. */
async function conditionOf(service: Service, options: CallOptions): Promise<string | undefined> {
  const { type, notify, identity, pidFile } = service;
  if ((type !== 'service' && type !== 'sysv') || notify === 'none') return undefined;
  const condition = `service/${identity}/ready`;
  // Cut, it is the same as service/NAME/running.
  if (isCut(condition, options)) return undefined;
  // Of 4.2 and 4.3 records do not say it, as of all finits initctl and the bus do not.
  if (notify !== undefined && type !== 'sysv') return condition;
  const { candidates } = await connect(options).version(options);
  if (hasSince(candidates, HAS_READY) === false) return pidFile === '' ? undefined : `pid/${identity}`;
  return type === 'sysv' && hasSince(candidates, SYSV_HAS_READY) === false ? undefined : condition;
}
