// The system's watchdog daemon: pings /dev/watchdog as long as the machine is well, instead of finit's own.
import { readFileSync } from 'node:fs';
import { notify, watchdog } from 'node-finit';

const MOST_LOAD = Number(process.env.MAX_LOAD ?? 50);

const device = await watchdog.systemWatchdog({
  device: process.env.WATCHDOG_DEVICE ?? '/dev/watchdog',
  timeout: 30_000,
  takeOver: true,
});
console.log(`${device.device}: ${device.identity}, ${device.timeout / 1000} s`);
if (device.bootStatus.includes('cardReset')) console.log('The last start was a reset by the watchdog');

const pings = watchdog.start({
  target: device,
  check() {
    const load = Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]);
    if (load > MOST_LOAD) throw new Error(`load average ${load}`);
  },
});
notify.ready();

// Handing over to the next one, or a clean end: the watchdog stops.
process.on('SIGTERM', async () => {
  await pings.stop();
  process.exit();
});
// It is not to end because there is nothing else to do.
setInterval(() => {}, 2 ** 31 - 1);
