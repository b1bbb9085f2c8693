import type { OptionValues } from './options.js';
import { screen } from './output.js';
import type { HeadingStyle } from './style.js';

/** How long the command line waits for finit, in milliseconds: as long as initctl (REQUEST_TIMEOUT in src/client.c). */
export const PATIENCE = 15_000;

/** What tables depend on. */
export function tableStyle(options: OptionValues): HeadingStyle & { heading: boolean; verbose: boolean } {
  return {
    plain: options.plain === true,
    heading: options['no-heading'] !== true,
    verbose: options.verbose === true,
    screen: screen({ batch: options.batch === true }),
  };
}
