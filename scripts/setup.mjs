// Everything a fresh clone needs before `npm test` or `npm run demo`: system tools looked for, dependencies, addon,
// TypeScript, and finit's Debian packages for the sandbox. Quick when there is nothing to do.
