// The service's environment: ours, and what is told to it. Built in the child, in memory that the parent never touches.
#include "shim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

static char **entries;
static size_t count;
static char space[(MAX_LISTENERS + MAX_STORED) * 256 + 8192];
static size_t used;

static void unset(const char *name) {
  const size_t length = strlen(name);
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    if (strncmp(entries[i], name, length) != 0 || entries[i][length] != '=') entries[kept++] = entries[i];
  count = kept;
}

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int more = vsnprintf(space + used, sizeof space - used, format, arguments);
  va_end(arguments);
  if (more < 0 || (size_t)more >= sizeof space - used) {
    log_line("the environment's own part is too long");
    _exit(EXIT_SHIM);
  }
  used += (size_t)more;
}

// NAME=, and what is put until finish().
static void begin(const char *name) {
  unset(name);
  entries[count++] = space + used;
  put("%s=", name);
}

static void finish(void) { space[used++] = '\0'; }

static void set_text(const char *name, struct text text) {
  begin(name);
  put("%.*s", (int)text.length, text.bytes);
  finish();
}

static void set_number(const char *name, int64_t number) {
  begin(name);
  put("%lld", (long long)number);
  finish();
}

size_t environment_size(void) {
  size_t size = 0;
  while (environ[size]) size++;
  return size + ENVIRONMENT_MORE;
}

static void start_with_ours(char **room) {
  entries = room;
  count = used = 0;
  for (char **from = environ; *from; from++) entries[count++] = *from;
  // Whoever has started us may have a watchdog and sockets for us; they are not for those whom we start.
  static const char *const stale[] = {"WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"};
  for (unsigned i = 0; i < sizeof stale / sizeof *stale; i++) unset(stale[i]);
  set_text("NOTIFY_SOCKET", (struct text){inbox_address(), strlen(inbox_address())});
}

static void take_effect(void) {
  entries[count] = NULL;
  environ = entries;
}

void environment_for_service(char **room, int fd_count, const struct user *user) {
  start_with_ours(room);
  set_number("FINIT_SHIM", 1);
  if (shim.watchdog != NEVER) {
    set_number("WATCHDOG_USEC", shim.watchdog);
    set_number("WATCHDOG_PID", getpid());
  }
  if (fd_count > 0) {
    set_number("LISTEN_FDS", fd_count);
    set_number("LISTEN_PID", getpid());
    begin("LISTEN_FDNAMES");
    const char *colon = "";
    for (int i = 0; i < options.listener_count; i++, colon = ":")
      put("%s%.*s", colon, (int)options.listeners[i].name.length, options.listeners[i].name.bytes);
    for (int i = 0; i < MAX_STORED; i++) {
      if (stored[i] < 0) continue;
      put("%s%s", colon, stored_names[i]);
      colon = ":";
    }
    finish();
  }
  if (user->name.length > 0) {
    set_text("USER", user->name);
    set_text("LOGNAME", user->name);
    set_text("HOME", user->home);
    set_text("SHELL", user->shell.length > 0 ? user->shell : (struct text){"/bin/sh", 7});
  }
  take_effect();
}

void environment_for_control(char **room) {
  start_with_ours(room);
  set_number("MAINPID", shim.main);
  take_effect();
}
