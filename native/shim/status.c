#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

// A status that changes all the time is written so often, in microseconds.
#define LEAST_PAUSE 250000

static int directory = -1;
static char name[224], temporary[232];
static int64_t written;
static uint64_t started;  // ticks, /proc/PID/stat's 22nd field

static char text[8 * STATUS_TEXT_MAX];
static size_t length;

static void make_directories(char *path) {
  const size_t whole = strlen(path);
  for (size_t i = 1; i <= whole; i++) {
    const char end = path[i];
    if (end != '/' && end != '\0') continue;
    path[i] = '\0';
    // What is wrong with it is seen when it is opened.
    (void)mkdir(path, 0755);
    path[i] = end;
  }
}

static uint64_t start_ticks(void) {
  char stat[1024];
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t got = read(fd, stat, sizeof stat - 1);
  close(fd);
  if (got <= 0) return 0;
  stat[got] = '\0';
  const char *at = strrchr(stat, ')');
  // From the end of the 2nd to the 22nd.
  for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
  return at ? strtoull(at + 1, NULL, 10) : 0;
}

void status_open(void) {
  static char usual[] = DEFAULT_STATUS_DIR;
  char *path = options.status_dir ? options.status_dir : usual;
  make_directories(path);
  directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    // An ordinary user has no place in /run, and did not ask for one.
    if (options.status_dir || errno != ENOENT) log_line("no status file: %s: %s", path, strerror(errno));
    return;
  }
  const int size = snprintf(name, sizeof name, "%s.json", options.identity);
  for (int i = 0; i < size; i++)
    if (name[i] == '/' || (unsigned char)name[i] < ' ' || (i == 0 && name[i] == '.')) name[i] = '_';
  snprintf(temporary, sizeof temporary, ".%s.new", name);
  started = start_ticks();
}

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int more = vsnprintf(text + length, sizeof text - length, format, arguments);
  va_end(arguments);
  if (more < 0 || (size_t)more >= sizeof text - length)
    length = sizeof text;  // too long: not written
  else
    length += (size_t)more;
}

// The length of the UTF-8 character there, 0 when it is none.
static size_t character(const unsigned char *at, size_t left) {
  if (at[0] < 0x80) return 1;
  const size_t size = at[0] >= 0xc2 && at[0] < 0xe0 ? 2 : (at[0] & 0xf0) == 0xe0 ? 3 : at[0] >= 0xf0 && at[0] < 0xf5 ? 4 : 0;
  if (size == 0 || size > left) return 0;
  for (size_t i = 1; i < size; i++)
    if ((at[i] & 0xc0) != 0x80) return 0;
  // Overlong forms, surrogates, and what is behind the last one.
  if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) || (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
    return 0;
  return size;
}

static void put_string(const char *bytes, size_t size) {
  put("\"");
  for (size_t i = 0; i < size;) {
    const unsigned char *at = (const unsigned char *)bytes + i;
    const size_t more = character(at, size - i);
    if (more == 0)
      put("\\ufffd");
    else if (*at == '"' || *at == '\\')
      put("\\%c", *at);
    else if (*at < ' ' || *at == 0x7f)
      put("\\u%04x", *at);
    else
      put("%.*s", (int)more, bytes + i);
    i += more ? more : 1;
  }
  put("\"");
}

static void put_exit(void) {
  char buffer[16];
  if (!shim.has_ended || shim.state != STATE_EXITED)
    put("null");
  else if (WIFSIGNALED(shim.wait_status))
    put("{\"signal\":\"%s\"}", signal_text(WTERMSIG(shim.wait_status), buffer));
  else
    put("{\"code\":%d}", WEXITSTATUS(shim.wait_status));
}

static void put_watchdog(void) {
  if (shim.watchdog == NEVER) {
    put("null");
    return;
  }
  put("{\"timeout\":%lld,\"deadline\":", (long long)(shim.watchdog / 1000));
  if (shim.watchdog_due == NEVER)
    put("null");
  else
    put("%lld", (long long)(clock_real() + (shim.watchdog_due - clock_monotonic()) / 1000));
  if (shim.watchdog_margin == NEVER)
    put(",\"margin\":null");
  else
    put(",\"margin\":%lld", (long long)(shim.watchdog_margin / 1000));
  put(",\"missed\":%u}", shim.watchdog_missed);
}

static void compose(void) {
  length = 0;
  put("{\"version\":1,\"identity\":");
  put_string(options.identity, strlen(options.identity));
  put(",\"shim\":{\"pid\":%d,\"start\":%llu},\"main\":", (int)shim.pid, (unsigned long long)started);
  if (shim.main == 0)
    put("null");
  else
    put("{\"pid\":%d,\"since\":%lld}", (int)shim.main, (long long)shim.main_since);
  put(",\"state\":\"%s\",\"ready\":%s,\"since\":%lld,\"status\":", state_text(shim.state), shim.ready ? "true" : "false",
      (long long)shim.since);
  put_string(shim.status, shim.status_length);
  put(",\"errno\":%d,\"watchdog\":", shim.error);
  put_watchdog();
  put(",\"restarts\":%u,\"fdstore\":%d,\"listen\":[", shim.restarts, store_count());
  for (int i = 0; i < options.listener_count; i++) {
    if (i > 0) put(",");
    put_string(options.listeners[i].spec.bytes, options.listeners[i].spec.length);
  }
  put("],\"exit\":");
  put_exit();
  put("}\n");
}

void status_changed(bool at_once) {
  if (directory < 0) return;
  const int64_t due = at_once ? shim.now : written == 0 ? shim.now : later(written, LEAST_PAUSE);
  if (due < shim.status_due) shim.status_due = due;
}

void status_write(void) {
  shim.status_due = NEVER;
  if (directory < 0) return;
  written = shim.now;
  compose();
  static bool complained;
  if (length >= sizeof text) return;
  const int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
  bool done = fd >= 0 && write(fd, text, length) == (ssize_t)length;
  if (fd >= 0) close(fd);
  done = done && renameat(directory, temporary, directory, name) == 0;
  if (done || complained) return;
  complained = true;
  log_line("%s: the status file cannot be written: %s", options.identity, strerror(errno));
}
