
#include "shim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef SHIM_VERSION
#define SHIM_VERSION "(not a release)"
#endif

struct options options;

static const char help[] =
    "Usage: finit-shim [options] [--] COMMAND [ARGUMENT...]\n"
    "\n"
    "Runs COMMAND for finit, and gives it what finit lacks: the whole of sd_notify(3), a watchdog, timeouts, socket activation.\n"
    "In finit's configuration, where the first -- begins the description:\n"
    "  service notify:systemd name:web /usr/bin/finit-shim --identity web --watchdog 10s /usr/bin/node web.js -- Web server\n"
    "\n"
    "Watching\n"
    "  --watchdog TIME            COMMAND has to send WATCHDOG=1 this often (it gets WATCHDOG_USEC); else it is ended\n"
    "  --watchdog-signal SIGNAL   with this signal first (default ABRT)\n"
    "  --abort-timeout TIME       and with KILL after this (default 5s)\n"
    "  --start-timeout TIME       from start to READY=1; then TERM, and KILL after --abort-timeout\n"
    "  --stop-timeout TIME        from TERM, INT or QUIT to KILL; finit's own kill:N comes after 3 s\n"
    "  --stop-signal SIGNAL       asks for the end as well, for a stanza with halt:SIGNAL\n"
    "  --access main|exec|all     who is heard: the main process, also --reload-command, every descendant (default all)\n"
    "  --kill-tree                end what COMMAND leaves behind\n"
    "Reload, at SIGHUP\n"
    "  --reload-command COMMAND   run by /bin/sh, with MAINPID, instead of passing SIGHUP on\n"
    "  --reload-restart           restart COMMAND, with its sockets and stored descriptors kept\n"
    "  --reload-timeout TIME      for READY=1 after RELOADING=1 (default 30s)\n"
    "Sockets\n"
    "  --listen [NAME=]SPEC,...   bound before --user, passed as LISTEN_FDS. SPEC is tcp:ADDRESS:PORT, tcp:PORT, udp:...,\n"
    "                             unix:PATH, unixgram:PATH, unixpacket:PATH; ADDRESS a number, IPv6 in []; PATH may be @NAME\n"
    "  --listen-mode MODE         of sockets in the file system (default 0666)\n"
    "  --keep-alive               restart COMMAND in place when it ends, its sockets and stored descriptors kept\n"
    "  --ready notified|listening when finit is told: at COMMAND's READY=1 (default), or as soon as the sockets are bound\n"
    "COMMAND's process\n"
    "  --user USER[:GROUP]        names or numbers\n"
    "  --no-new-privs             --umask MODE             --oom-score-adj N        --nice N\n"
    "  --rlimit NAME=SOFT[:HARD]  as core, cpu, data, fsize, memlock, nofile, nproc, rss, stack, as; N or infinity\n"
    "finit\n"
    "  --notify auto|none|fd:N|s6:N  how finit hears of readiness (default auto: NOTIFY_SOCKET; s6:%n with notify:s6)\n"
    "  --identity NAME            the service's identity, for the status file (default SERVICE_IDENT, or pid-PID)\n"
    "  --status-dir DIR           where IDENTITY.json is kept (default " DEFAULT_STATUS_DIR ")\n"
    "  --help, --version\n"
    "\n"
    "TIME is 10 or 10s, 500ms, 2min, 1h, infinity. The exit status is COMMAND's, or death by the same signal; 64 for wrong\n"
    "usage, 70 when the shim itself fails, 126 and 127 when COMMAND cannot be run or is not there.\n";

static _Noreturn void usage(const char *option, const char *value, const char *wanted) {
  if (value)
    dprintf(2, "finit-shim: %s %s: %s\n", option, value, wanted);
  else
    dprintf(2, "finit-shim: %s: %s\n", option, wanted);
  dprintf(2, "More: finit-shim --help\n");
  _exit(EXIT_USAGE);
}

static struct text text_of(const char *string) { return (struct text){string, strlen(string)}; }

bool duration_parse(struct text text, int64_t *microseconds) {
  static const struct {
    const char *unit;
    int64_t factor;
  } units[] = {{"", 1000000}, {"s", 1000000}, {"ms", 1000}, {"us", 1}, {"min", 60000000}, {"m", 60000000}, {"h", 3600000000}};
  if (text_is(text, "infinity")) {
    *microseconds = NEVER;
    return true;
  }
  size_t digits = 0;
  while (digits < text.length && text.bytes[digits] >= '0' && text.bytes[digits] <= '9') digits++;
  uint64_t number;
  // 100 years at most, so that sums stay far from the end of 64 bits.
  if (!number_parse((struct text){text.bytes, digits}, UINT64_C(3155760000000000), &number)) return false;
  for (unsigned i = 0; i < sizeof units / sizeof *units; i++) {
    if (!text_is((struct text){text.bytes + digits, text.length - digits}, units[i].unit)) continue;
    if (number > UINT64_C(3155760000000000) / (uint64_t)units[i].factor) return false;
    *microseconds = (int64_t)number * units[i].factor;
    return true;
  }
  return false;
}

static const struct {
  const char *name;
  int number;
} signals[] = {
    {"HUP", SIGHUP},       {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"ILL", SIGILL},       {"TRAP", SIGTRAP}, {"ABRT", SIGABRT},
    {"BUS", SIGBUS},       {"FPE", SIGFPE},   {"KILL", SIGKILL}, {"USR1", SIGUSR1},     {"SEGV", SIGSEGV}, {"USR2", SIGUSR2},
    {"PIPE", SIGPIPE},     {"ALRM", SIGALRM}, {"TERM", SIGTERM}, {"CHLD", SIGCHLD},     {"CONT", SIGCONT}, {"STOP", SIGSTOP},
    {"TSTP", SIGTSTP},     {"TTIN", SIGTTIN}, {"TTOU", SIGTTOU}, {"URG", SIGURG},       {"XCPU", SIGXCPU}, {"XFSZ", SIGXFSZ},
    {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF}, {"WINCH", SIGWINCH}, {"IO", SIGIO},       {"SYS", SIGSYS},
#ifdef SIGPWR
    {"PWR", SIGPWR},
#endif
#ifdef SIGSTKFLT
    {"STKFLT", SIGSTKFLT},
#endif
};

bool signal_parse(const char *text, int *signal) {
  uint64_t number;
  if (number_parse(text_of(text), 64, &number) && number > 0) {
    *signal = (int)number;
    return true;
  }
  if (strncmp(text, "SIG", 3) == 0) text += 3;
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
    if (strcmp(text, signals[i].name) != 0) continue;
    *signal = signals[i].number;
    return true;
  }
  return false;
}

const char *signal_text(int signal, char buffer[16]) {
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
    if (signals[i].number != signal) continue;
    snprintf(buffer, 16, "SIG%s", signals[i].name);
    return buffer;
  }
  snprintf(buffer, 16, "SIG%d", signal);
  return buffer;
}

static void time_option(const char *name, const char *value, int64_t *time) {
  if (!duration_parse(text_of(value), time) || *time == 0)
    usage(name, value, "a time is wanted, more than nothing: 10s, 500ms, 2min, or infinity");
}

static void int_option(const char *name, const char *value, int least, int most, int *number) {
  const bool negative = *value == '-';
  uint64_t size;
  if (!number_parse(text_of(value + negative), 100000, &size)) usage(name, value, "a whole number is wanted");
  *number = negative ? -(int)size : (int)size;
  if (*number < least || *number > most) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "a number from %d to %d is wanted", least, most);
    usage(name, value, wanted);
  }
}

static void mode_option(const char *name, const char *value, unsigned *mode) {
  char *end;
  const unsigned long number = strtoul(value, &end, 8);
  if (*value < '0' || *value > '7' || *end != '\0' || number > 0777) usage(name, value, "an octal mode is wanted, such as 022");
  *mode = (unsigned)number;
}

// A name counts for what follows it, up to the next name.
static void listen_option(const char *value) {
  struct text rest = text_of(value), name = {"unknown", 7};
  for (;;) {
    const char *comma = memchr(rest.bytes, ',', rest.length);
    struct text spec = {rest.bytes, comma ? (size_t)(comma - rest.bytes) : rest.length};
    const char *equals = memchr(spec.bytes, '=', spec.length);
    // One behind a colon is part of a path.
    if (equals && !memchr(spec.bytes, ':', (size_t)(equals - spec.bytes))) {
      name = (struct text){spec.bytes, (size_t)(equals - spec.bytes)};
      if (!message_fdname_is_valid(name)) usage("--listen", value, "a name has to be 1 to 255 printable characters without a colon");
      spec = (struct text){equals + 1, spec.length - name.length - 1};
    }
    if (spec.length == 0) usage("--listen", value, "something to listen on is wanted, such as tcp:0.0.0.0:80 or unix:/run/web.sock");
    if (options.listener_count == MAX_LISTENERS) usage("--listen", value, "32 sockets are the most");
    struct listener *listener = &options.listeners[options.listener_count++];
    listener->name = name;
    listener->spec = spec;
    listener->fd = -1;
    if (!comma) return;
    rest.length -= (size_t)(comma + 1 - rest.bytes);
    rest.bytes = comma + 1;
  }
}

static bool limit_parse(struct text text, rlim_t *limit) {
  uint64_t number;
  if (text_is(text, "infinity") || text_is(text, "unlimited")) {
    *limit = RLIM_INFINITY;
    return true;
  }
  if (!number_parse(text, INT64_MAX, &number)) return false;
  *limit = (rlim_t)number;
  return true;
}

static void rlimit_option(const char *value) {
  static const struct {
    const char *name;
    int resource;
  } resources[] = {
      {"core", RLIMIT_CORE},       {"cpu", RLIMIT_CPU},     {"data", RLIMIT_DATA}, {"fsize", RLIMIT_FSIZE}, {"memlock", RLIMIT_MEMLOCK},
      {"nofile", RLIMIT_NOFILE},   {"nproc", RLIMIT_NPROC}, {"rss", RLIMIT_RSS},   {"stack", RLIMIT_STACK}, {"as", RLIMIT_AS},
      {"sigpending", RLIMIT_SIGPENDING}, {"msgqueue", RLIMIT_MSGQUEUE}, {"nice", RLIMIT_NICE}, {"rtprio", RLIMIT_RTPRIO},
  };
  const char *equals = strchr(value, '=');
  if (!equals) usage("--rlimit", value, "NAME=SOFT or NAME=SOFT:HARD is wanted, such as nofile=1024:2048");
  const struct text name = {value, (size_t)(equals - value)};
  const char *colon = strchr(equals, ':');
  const struct text soft = {equals + 1, colon ? (size_t)(colon - equals - 1) : strlen(equals + 1)};
  if (options.rlimit_count == MAX_RLIMITS) usage("--rlimit", value, "16 limits are the most");
  for (unsigned i = 0; i < sizeof resources / sizeof *resources; i++) {
    if (!text_is(name, resources[i].name)) continue;
    struct rlimit limit;
    if (!limit_parse(soft, &limit.rlim_cur) || !limit_parse(colon ? text_of(colon + 1) : soft, &limit.rlim_max))
      usage("--rlimit", value, "a limit is a number, or infinity");
    if (limit.rlim_cur > limit.rlim_max) usage("--rlimit", value, "the soft limit is above the hard one");
    options.rlimits[options.rlimit_count].resource = resources[i].resource;
    options.rlimits[options.rlimit_count++].limit = limit;
    return;
  }
  usage("--rlimit", value, "no such limit; see --help");
}

static void notify_option(const char *value) {
  uint64_t fd;
  if (strcmp(value, "auto") == 0) {
    options.uplink = UPLINK_AUTO;
  } else if (strcmp(value, "none") == 0) {
    options.uplink = UPLINK_NONE;
  } else if (strncmp(value, "fd:", 3) == 0 || strncmp(value, "s6:", 3) == 0) {
    if (!number_parse(text_of(value + 3), INT32_MAX, &fd)) usage("--notify", value, "the number of a descriptor is wanted after the colon");
    options.uplink = value[0] == 'f' ? UPLINK_FD : UPLINK_S6;
    options.uplink_fd = (int)fd;
  } else {
    usage("--notify", value, "auto, none, fd:N or s6:N is wanted");
  }
}

enum option {
  WATCHDOG, WATCHDOG_SIGNAL, STOP_SIGNAL, ABORT_TIMEOUT, START_TIMEOUT, STOP_TIMEOUT, RELOAD_TIMEOUT, ACCESS, RELOAD_COMMAND, LISTEN, LISTEN_MODE,
  READY, USER, UMASK, RLIMIT, OOM, NICE, NOTIFY, IDENTITY, STATUS_DIR,
  FLAGS, KILL_TREE = FLAGS, RELOAD_RESTART, KEEP_ALIVE, NO_NEW_PRIVS, HELP, VERSION
};

static const char *const names[] = {
    [WATCHDOG] = "--watchdog", [WATCHDOG_SIGNAL] = "--watchdog-signal", [ABORT_TIMEOUT] = "--abort-timeout",
    [STOP_SIGNAL] = "--stop-signal", [START_TIMEOUT] = "--start-timeout", [STOP_TIMEOUT] = "--stop-timeout", [RELOAD_TIMEOUT] = "--reload-timeout",
    [ACCESS] = "--access", [RELOAD_COMMAND] = "--reload-command", [LISTEN] = "--listen", [LISTEN_MODE] = "--listen-mode",
    [READY] = "--ready", [USER] = "--user", [UMASK] = "--umask", [RLIMIT] = "--rlimit", [OOM] = "--oom-score-adj",
    [NICE] = "--nice", [NOTIFY] = "--notify", [IDENTITY] = "--identity", [STATUS_DIR] = "--status-dir",
    [KILL_TREE] = "--kill-tree", [RELOAD_RESTART] = "--reload-restart", [KEEP_ALIVE] = "--keep-alive",
    [NO_NEW_PRIVS] = "--no-new-privs", [HELP] = "--help", [VERSION] = "--version",
};

static void signal_option(const char *name, const char *value, int *signal) {
  if (!signal_parse(value, signal)) usage(name, value, "no such signal; a name such as ABRT, or a number, is wanted");
}

static void stop_signal_option(const char *name, const char *value) {
  int signal;
  signal_option(name, value, &signal);
  if (signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD || signal == SIGHUP)
    usage(name, value, "this signal cannot be it: it has another meaning");
  options.stop_signals |= signal_bit(signal);
}

static void value_option(enum option option, const char *name, char *value) {
  unsigned mode;
  switch (option) {
    case WATCHDOG: time_option(name, value, &options.watchdog); break;
    case ABORT_TIMEOUT: time_option(name, value, &options.abort_timeout); break;
    case START_TIMEOUT: time_option(name, value, &options.start_timeout); break;
    case STOP_TIMEOUT: time_option(name, value, &options.stop_timeout); break;
    case RELOAD_TIMEOUT: time_option(name, value, &options.reload_timeout); break;
    case WATCHDOG_SIGNAL: signal_option(name, value, &options.watchdog_signal); break;
    case STOP_SIGNAL: stop_signal_option(name, value); break;
    case ACCESS:
      if (!access_parse(text_of(value), &options.access) || options.access == ACCESS_NONE) usage(name, value, "main, exec or all is wanted");
      break;
    case READY:
      options.ready_listening = strcmp(value, "listening") == 0;
      if (!options.ready_listening && strcmp(value, "notified") != 0) usage(name, value, "notified or listening is wanted");
      break;
    case IDENTITY:
      if (*value == '\0' || strlen(value) > IDENTITY_MAX) usage(name, value, "1 to 200 characters are wanted");
      options.identity = value;
      break;
    case UMASK: mode_option(name, value, &mode); options.umask = (int)mode; break;
    case LISTEN_MODE: mode_option(name, value, &mode); options.listen_mode = mode; break;
    case OOM: options.has_oom = true; int_option(name, value, -1000, 1000, &options.oom); break;
    case NICE: options.has_nice = true; int_option(name, value, -20, 19, &options.nice); break;
    case RELOAD_COMMAND: options.reload_command = value; break;
    case STATUS_DIR: options.status_dir = value; break;
    case USER: options.user = value; break;
    case LISTEN: listen_option(value); break;
    case RLIMIT: rlimit_option(value); break;
    case NOTIFY: notify_option(value); break;
    default: break;
  }
}

static void flag_option(enum option option) {
  switch (option) {
    case KILL_TREE: options.kill_tree = true; break;
    case RELOAD_RESTART: options.reload_restart = true; break;
    case KEEP_ALIVE: options.keep_alive = true; break;
    case NO_NEW_PRIVS: options.no_new_privs = true; break;
    case HELP:
      if (write(1, help, sizeof help - 1) < 0) _exit(EXIT_SHIM);
      _exit(0);
    case VERSION: dprintf(1, "finit-shim %s\n", SHIM_VERSION); _exit(0);
    default: break;
  }
}

void options_parse(char **argv) {
  options.watchdog = options.start_timeout = options.stop_timeout = NEVER;
  options.abort_timeout = 5000000;
  options.reload_timeout = 30000000;
  options.watchdog_signal = SIGABRT;
  options.stop_signals = signal_bit(SIGTERM) | signal_bit(SIGINT) | signal_bit(SIGQUIT);
  options.access = ACCESS_ALL;
  options.umask = -1;
  options.listen_mode = 0666;
  char **argument = argv[0] ? argv + 1 : argv;
  for (; *argument && **argument == '-'; argument++) {
    if (strcmp(*argument, "--") == 0) {
      argument++;
      break;
    }
    const char *equals = strchr(*argument, '=');
    const struct text name = {*argument, equals ? (size_t)(equals - *argument) : strlen(*argument)};
    unsigned option = 0;
    while (option < sizeof names / sizeof *names && !text_is(name, names[option])) option++;
    if (text_is(name, "-h")) option = HELP;
    if (option == sizeof names / sizeof *names) usage(*argument, NULL, "there is no such option");
    if (option >= FLAGS) {
      if (equals) usage(names[option], equals + 1, "this option takes no value");
      flag_option((enum option)option);
    } else {
      char *value = equals ? *argument + name.length + 1 : *++argument;
      if (!value || strcmp(value, "--") == 0) usage(names[option], NULL, "a value is wanted");
      value_option((enum option)option, names[option], value);
    }
  }
  options.command = argument;
  if (!*argument) usage("COMMAND", NULL, "the program to run is wanted; without -- in a stanza of finit, where that begins the description");
  if (options.ready_listening && options.listener_count == 0) usage("--ready", "listening", "there is nothing to listen on; see --listen");
  if (options.reload_command && options.reload_restart) usage("--reload-restart", NULL, "not together with --reload-command");
}
