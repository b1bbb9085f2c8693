// The status file's text. Whatever a service and its options say, it is JSON.
#include "shim.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static char *into;
static size_t used;

const char *state_text(enum state state) {
  static const char *const texts[] = {"starting", "ready", "reloading", "stopping", "restarting", "aborting", "exited"};
  return texts[state];
}

static void put(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  const int more = vsnprintf(into + used, STATUS_JSON_MAX - used, format, arguments);
  va_end(arguments);
  // It fits: STATUS_JSON_MAX is the sum of what there can be.
  if (more > 0 && (size_t)more < STATUS_JSON_MAX - used) used += (size_t)more;
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

size_t status_json(char room[STATUS_JSON_MAX], uint64_t started) {
  into = room;
  used = 0;
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
  return used;
}
