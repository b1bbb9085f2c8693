// The main job, on a real finit: a Node service, one that depends on its readiness, a script and a plugin; then a crash, a
// change of runlevel and a clean end. Exits non-zero when a step is not reached in time.
//
//   npm run demo
//   npm run demo -- --suite trixie --rootless
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { conditions, services, system } from 'node-finit';
import { startSandbox } from 'node-finit/sandbox';
import { check, StepFailed, step, tell } from './story.js';

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const LOG = '/run/messages';
const SYSLOGD = `service [S12345] name:syslogd notify:none /sbin/syslogd -n -O ${LOG} -- System log\n`;

const USAGE = 'Usage: npm run demo [-- [--suite forky|trixie] [--rootless]]';
const values = readArguments();
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const watching = new AbortController();

tell('sandbox', `a finit of its own, in namespaces: Debian ${values.suite}'s`);
const box = await startSandbox({
  suite: values.suite,
  ...(values.rootless && { rootless: true }),
  mounts: { '/srv/shop': path('../shop'), '/srv/node_modules/node-finit': path('../..') },
  config: { 'shop.conf': readFileSync(path('../shop/finit.d/shop.conf'), 'utf8'), 'syslogd.conf': SYSLOGD },
  onProgress: (text) => tell('sandbox', text),
}).catch((error) => fail(error.message));
if (/^4\.[0-3](\D|$)/.test(box.version)) {
  await box.kill();
  fail(`finit ${box.version} has no notify:systemd, which the shop needs`);
}
const { runDir } = box;

function fail(message) {
  console.error(`demo: ${message}`);
  process.exit(1);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        suite: { type: 'string', default: 'forky' },
        rootless: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    console.error(`demo: ${error.message}\n${USAGE}`);
    process.exit(2);
  }
}

/** The system log of the box so far. */
const messages = () => box.readFile(LOG).then(String, () => '');

/** Waits until the log has something, from an offset on. */
async function logged(pattern, from, signal) {
  for (;;) {
    const found = pattern.exec((await messages()).slice(from));
    if (found) return found[0].trim();
    await delay(50, undefined, { signal });
  }
}

/** Tells what the services, the plugin and the script log. */
async function followLog(signal) {
  let told = 0;
  while (!signal.aborted) {
    const text = await messages();
    const end = text.lastIndexOf('\n') + 1;
    for (const entry of text.slice(told, end).split('\n')) {
      const [, who, said] = /\b(web|orders|plugins|shop)(?:\[\d+\])?: (.*)$/.exec(entry) ?? [];
      if (who) tell(who, said);
    }
    told = Math.max(told, end);
    await delay(50, undefined, { signal }).catch(() => {});
  }
}

/** Tells how the conditions of the shop change. */
async function followConditions(signal) {
  const patterns = [
    ...['web', 'orders', 'plugins', 'nightwatch'].map((name) => `service/${name}/ready`),
    'usr/*',
  ];
  for await (const { name, state, previous = 'off' } of conditions.watch(patterns, { runDir, signal }))
    tell('finit', `<${name}> ${previous} → ${state}`);
}

const ready = (name, signal, timeout) =>
  conditions.wait(`service/${name}/ready`, { runDir, signal, timeout });
const following = [followConditions(watching.signal), followLog(watching.signal)].map((p) =>
  p.catch(() => {}),
);

try {
  const script = box.exec(['/usr/bin/node', '/srv/shop/announce.js']);

  await step('finit is PID 1', 10, async () => {
    const { current } = await system.runlevel({ runDir });
    return `finit ${box.version}, runlevel ${current}, ${runDir}`;
  });
  await step('the web service listened, then called notify.ready()', 15, async (signal) => {
    await ready('web', signal);
    const { pid } = await services.get('web', { runDir });
    return `<service/web/ready> is on, pid ${pid}`;
  });
  await step('the service that depends on <service/web/ready> was started by it', 15, async (signal) => {
    await ready('orders', signal);
    return logged(/the web server answers 200.*/, 0, signal);
  });
  await step('the plugin set <usr/open-for-business>', 15, (signal) =>
    conditions.wait('open-for-business', { runDir, signal }),
  );
  await step('the script waited for it and went on', 15, async () => {
    const { code, stdout, stderr } = await script;
    check(code === 0, `exit code ${code}: ${stderr}`);
    return `it says: ${stdout.trim()}`;
  });

  const before = await services.get('web', { runDir });
  const logSoFar = (await messages()).length;
  await step('the web service was killed with SIGKILL', 5, async (signal) => {
    const gone = conditions.wait('service/web/ready', { runDir, signal, state: 'off' });
    await box.exec(['kill', '-KILL', String(before.pid)]);
    await gone;
    return `pid ${before.pid} is gone`;
  });
  await step('the plugin logged the crash', 10, (signal) => logged(/web crashed.*/, logSoFar, signal));
  await step('finit respawned it', 20, async (signal) => {
    await ready('web', signal);
    const { pid, restarts } = await services.get('web', { runDir });
    check(pid !== before.pid, `it still has pid ${pid}`);
    return `pid ${pid}, ${restarts} restart${restarts === 1 ? '' : 's'}`;
  });
  await step('everything settled again', 20, async (signal) => {
    await conditions.wait(['service/orders/ready', 'open-for-business'], { runDir, signal });
    return 'orders runs, the shop is open';
  });

  await step('the runlevel changed to 3', 20, async (signal) => {
    await system.setRunlevel(3, { runDir });
    await conditions.wait(['service/nightwatch/ready', 'service/web/ready', 'service/orders/ready'], {
      runDir,
      signal,
    });
    const { current, previous } = await system.runlevel({ runDir });
    check(String(current) === '3', `the runlevel is ${current}`);
    return `it was ${previous}; the nightwatch walks, the shop stayed open`;
  });

  watching.abort();
  await step('finit powered off cleanly', 20, async () => {
    const { killed } = await box.poweroff();
    check(!killed, 'it had to be killed');
    return 'nothing is left of the box';
  });
} catch (error) {
  if (!(error instanceof StepFailed)) throw error;
  process.exitCode = 1;
  console.error(`\nfinit's console said last:\n${(await box.console()).split('\n').slice(-15).join('\n')}`);
} finally {
  watching.abort();
  await box.kill();
  await Promise.all(following);
}
