// A service behind finit-shim that takes the watchdog over, and whose event loop hangs after a while.
import { notify, watchdog } from '#src/index.js';

const device = await watchdog.systemWatchdog({ timeout: 20_000, pretimeout: 5000, takeOver: true });
watchdog.start({ target: device });
notify.ready();
setTimeout(() => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}, 60_000);
