// A command line, an argument a line. The shim prints what is wrong and ends itself; here that is a jump.
#include "fuzz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

static jmp_buf out;
static int status;
static size_t printed;

static _Noreturn void fuzz_exit(int code) {
  status = code;
  longjmp(out, 1);
}

static int __attribute__((format(printf, 2, 3))) fuzz_dprintf(int fd, const char *format, ...) {
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  const int length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  CHECK(length > 0 && (fd == 1 || fd == 2));
  printed += (size_t)length;
  return length;
}

static ssize_t fuzz_write(int fd, const void *bytes, size_t length) {
  CHECK(fd == 1 && length > 0 && memchr(bytes, '\0', length) == NULL);
  printed += length;
  return (ssize_t)length;
}

#define _exit fuzz_exit
#define dprintf fuzz_dprintf
#define write fuzz_write
#include "../shim/options.c"
#undef _exit
#undef dprintf
#undef write
#include "../shim/message.c"
#include "../shim/text.c"

#define MOST 64
static char *arguments[MOST + 1];
static size_t lengths[MOST];
static int count;

static bool is_ours(const char *from, size_t length) {
  for (int i = 0; i < count; i++)
    if (from >= arguments[i] && from + length <= arguments[i] + lengths[i]) return true;
  return false;
}

static void check_time(int64_t time) { CHECK(time > 0 && (time == NEVER || time <= INT64_C(3155760000000000))); }

static void check_options(void) {
  check_time(options.watchdog);
  check_time(options.abort_timeout);
  check_time(options.start_timeout);
  check_time(options.stop_timeout);
  check_time(options.reload_timeout);
  CHECK(options.watchdog_signal >= 1 && options.watchdog_signal <= 64);
  char buffer[16], name[16];
  int signal = 0;
  strcpy(name, signal_text(options.watchdog_signal, buffer));
  // Those without a name are taken by their number.
  CHECK(signal_parse(name, &signal) ? signal == options.watchdog_signal : atoi(name + 3) == options.watchdog_signal);
  CHECK(options.access >= ACCESS_MAIN && options.access <= ACCESS_ALL);
  CHECK(options.umask >= -1 && options.umask <= 0777 && options.listen_mode <= 0777);
  CHECK(options.oom >= -1000 && options.oom <= 1000 && options.nice >= -20 && options.nice <= 19);
  CHECK(options.uplink_fd >= 0);
  CHECK(options.rlimit_count >= 0 && options.rlimit_count <= MAX_RLIMITS);
  for (int i = 0; i < options.rlimit_count; i++) CHECK(options.rlimits[i].limit.rlim_cur <= options.rlimits[i].limit.rlim_max);
  CHECK(options.listener_count >= 0 && options.listener_count <= MAX_LISTENERS);
  for (int i = 0; i < options.listener_count; i++) {
    const struct listener *listener = &options.listeners[i];
    CHECK(message_fdname_is_valid(listener->name));
    CHECK(listener->spec.length > 0 && is_ours(listener->spec.bytes, listener->spec.length));
    CHECK(memchr(listener->spec.bytes, ',', listener->spec.length) == NULL);
  }
  CHECK(!options.identity || (*options.identity && strlen(options.identity) <= IDENTITY_MAX));
  CHECK(options.command > arguments && options.command < arguments + count && *options.command);
  CHECK(!options.ready_listening || options.listener_count > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {data, size};
  for (count = 0; count < MOST && input.left > 0; count++) arguments[count] = input_text(&input, '\n', SIZE_MAX, 1, &lengths[count]);
  for (int i = 0; i < count; i++) lengths[i] = strlen(arguments[i]);
  arguments[count] = NULL;
  memset(&options, 0, sizeof options);
  printed = 0;
  if (setjmp(out) == 0) {
    options_parse(arguments);
    CHECK(printed == 0);
    check_options();
  } else {
    CHECK(printed > 0 && (status == EXIT_USAGE || status == 0));
  }
  for (int i = 0; i < count; i++) free(arguments[i]);
  return 0;
}
