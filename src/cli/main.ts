#!/usr/bin/env node
/** The command line. Bundled into dist/node-finit.cjs as well (scripts/build.mjs), which starts faster. */
import { runCommandLine } from './run.js';

runCommandLine(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
