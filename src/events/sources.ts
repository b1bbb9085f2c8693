import * as conditions from '../conditions/index.js';
import type { Service } from '../services/index.js';
import * as services from '../services/index.js';
import * as system from '../system/index.js';
import { type BusSignal, watchBus } from '../transport/index.js';

/** Where the truth comes from. What a test replaces. */
export interface Sources {
  watchConditions: typeof conditions.watch;
  watchGeneration: typeof conditions.watchGeneration;
  list(options: { runDir: string; signal: AbortSignal }): Promise<Service[]>;
  get(identity: string, options: { runDir: string; signal: AbortSignal }): Promise<Service>;
  runlevel(options: { runDir: string; signal: AbortSignal }): Promise<system.RunlevelState>;
  /** Signals of finit 5. Throws where there is no bus. */
  watchBus(options: { runDir: string; signal: AbortSignal }): AsyncIterable<BusSignal>;
}

/** The running finit. */
export const finitSources: Sources = {
  watchConditions: conditions.watch,
  watchGeneration: conditions.watchGeneration,
  list: (options) => services.list(options),
  get: (identity, options) => services.get(identity, options),
  runlevel: (options) => system.runlevel(options),
  watchBus,
};
