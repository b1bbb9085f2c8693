// The status file's text, of any status, identity, listeners and numbers: a byte for each of the things below, an identity that ends
// with a newline, so many listeners likewise, and the status.
#include "fuzz.h"

#include "json.h"

#include "../shim/clock.c"
#include "../shim/message.c"
#include "../shim/options.c"
#include "../shim/status_json.c"
#include "../shim/text.c"

struct shim shim;
static int stored_count;
int store_count(void) { return stored_count; }

static char *texts[1 + MAX_LISTENERS];

static const int64_t times[] = {NEVER, 0, 1, INT64_C(3155760000000000), INT64_MAX / 2};
static const int numbers[] = {0, 1, 4711, INT32_MAX};

static size_t compose(const uint8_t *data, size_t size, char *room) {
  struct input input = {data, size};
  memset(&shim, 0, sizeof shim);
  memset(&options, 0, sizeof options);
  shim.state = (enum state)(input_byte(&input) % (STATE_EXITED + 1));
  const uint8_t flags = input_byte(&input);
  shim.ready = flags & 1;
  shim.has_ended = flags & 2;
  const int number = numbers[flags >> 2 & 3];
  shim.pid = shim.main = shim.error = number;
  shim.since = shim.main_since = flags & 16 ? INT64_MAX : 0;
  stored_count = flags & 32 ? MAX_STORED : 0;
  shim.restarts = shim.watchdog_missed = flags & 32 ? UINT32_MAX : 0;
  const uint8_t deadline = input_byte(&input);
  shim.watchdog = times[deadline % 5];
  shim.watchdog_due = later(clock_monotonic(), times[deadline / 5 % 5]);
  shim.watchdog_margin = times[deadline / 25 % 5];
  shim.wait_status = input_byte(&input);
  shim.wait_status |= input_byte(&input) << 8;
  const int listeners = input_byte(&input) % (MAX_LISTENERS + 1);
  size_t length;
  options.identity = texts[0] = input_text(&input, '\n', IDENTITY_MAX, 1, &length);
  options.listener_count = listeners;
  for (int i = 0; i < listeners; i++) {
    texts[1 + i] = input_text(&input, '\n', ADDRESS_TEXT_MAX, 0, &length);
    options.listeners[i].spec = (struct text){texts[1 + i], length};
  }
  shim.status_length = input.left < STATUS_TEXT_MAX ? input.left : STATUS_TEXT_MAX;
  if (shim.status_length > 0) memcpy(shim.status, input.at, shim.status_length);
  const size_t written = status_json(room, flags & 64 ? UINT64_MAX : 0);
  for (int i = 0; i <= listeners; i++) free(texts[i]);
  return written;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *room = malloc(STATUS_JSON_MAX);
  const size_t length = compose(data, size, room);
  CHECK(length > 0 && length < STATUS_JSON_MAX && json_is_valid(room, length));
  free(room);
  return 0;
}

void fuzz_print(const uint8_t *data, size_t size) {
  static char room[STATUS_JSON_MAX];
  fwrite(room, 1, compose(data, size, room), stdout);
}
