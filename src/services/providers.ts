/** Who asserts the conditions that no service does. No I/O. */

/**
 * Where a condition comes from, in words that go on "it is off: …" (doc/conditions.md, src/cond-w.c, src/devmon.c, plugins/, finit 4.2 …
 * 5.0-dev).
 * @param name - one that no service of this finit asserts
 */
export function providerOf(name: string): string {
  const [kind = '', ...rest] = name.split('/');
  switch (kind) {
    case 'usr':
      return `nobody has set it: node-finit cond set ${rest.join('/')}`;
    case 'net':
      return netProvider(rest);
    case 'hook':
      return `finit asserts it when it comes to ${rest.join('/')}, while it boots or shuts down`;
    case 'boot':
      return `it is for machines that are booted with finit.cond=${rest.join('/')}`;
    case 'dev':
      return `it comes with the device /dev/${rest.join('/')}`;
    case 'driver':
    case 'class':
      return `it comes with a device of ${kind} ${rest.join('/')}`;
    case 'sys':
      return sysProvider(rest.join('/'));
    case 'int':
      return intProvider(rest.join('/'));
    case 'pid':
      return `it comes from the PID file of ${rest.join('/')}, and ${NO_SUCH}`;
    case 'service':
    case 'task':
    case 'run':
    case 'sysv':
    case 'tty':
      return `it comes from the ${kind} ${rest.slice(0, -1).join('/')}, and ${NO_SUCH}`;
    default:
      return 'no service of this finit asserts it, nor does finit itself: a plugin may, or the name is misspelt';
  }
}

/** What it does not like in a stanza is in its log; a program that does not exist, e.g. (service_register() in src/service.c). */
const NO_SUCH = 'finit has none of that name: it has no stanza, or finit did not take it (see its log)';

function netProvider(rest: readonly string[]): string {
  const name = rest.join('/');
  if (name === 'route/default') return 'it comes with a default route';
  const [device, state] = [rest[0] ?? '', rest[1] ?? ''];
  const words: Record<string, string> = {
    exist: `when there is a network interface ${device}`,
    up: `when the network interface ${device} is up`,
    running: `when the network interface ${device} has a link`,
  };
  return `finit's netlink plugin asserts it ${words[state] ?? `for ${name}`}`;
}

function sysProvider(name: string): string {
  switch (name) {
    case 'pwr/ac':
      return 'it says that the machine has mains power';
    case 'pwr/fail':
      return 'it says that the power fails (SIGPWR)';
    case 'key/ctrlaltdel':
      return 'it comes with Ctrl-Alt-Del';
    default:
      return "finit's sys plugin asserts it";
  }
}

function intProvider(name: string): string {
  switch (name) {
    case 'bootstrap':
      return 'finit asserts it when the bootstrap is over';
    case 'container':
      return 'finit asserts it in a container';
    default:
      return 'finit itself asserts it';
  }
}
