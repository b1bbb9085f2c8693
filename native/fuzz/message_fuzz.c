// A datagram of a service, against a reading of it that is slow and plain.
#include "fuzz.h"

#include "../shim/message.c"
#include "../shim/text.c"

static struct text whole;

// The lines that begin with KEY=, one after the other.
static bool next_value(struct text *rest, const char *key, struct text *value) {
  const size_t length = strlen(key);
  while (rest->length > 0) {
    size_t end = 0;
    while (end < rest->length && rest->bytes[end] != '\n') end++;
    *value = (struct text){rest->bytes + length + 1, end - length - 1};
    const bool found = end > length && memcmp(rest->bytes, key, length) == 0 && rest->bytes[length] == '=';
    const size_t skipped = end < rest->length ? end + 1 : end;
    rest->bytes += skipped;
    rest->length -= skipped;
    if (found) return true;
  }
  return false;
}

static bool says(const char *key, const char *wanted) {
  struct text rest = whole, value;
  while (next_value(&rest, key, &value))
    if (value.length == strlen(wanted) && strncmp(value.bytes, wanted, value.length) == 0) return true;
  return false;
}

static void check_number(const char *key, bool has, uint64_t number, const char *most, bool zero) {
  struct text rest = whole, value;
  bool found = false;
  char last[24] = "";
  while (next_value(&rest, key, &value)) {
    size_t from = 0;
    while (from + 1 < value.length && value.bytes[from] == '0') from++;
    char digits[24];
    const size_t length = value.length - from;
    if (value.length == 0 || length >= sizeof digits) continue;
    memcpy(digits, value.bytes + from, length);
    digits[length] = '\0';
    if (strspn(digits, "0123456789") != length || length > strlen(most)) continue;
    if ((length == strlen(most) && strcmp(digits, most) > 0) || (!zero && *digits == '0')) continue;
    found = true;
    strcpy(last, digits);
  }
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)number);
  CHECK(has == found && (!has || strcmp(text, last) == 0));
}

static void check_within(struct text text) {
  CHECK(text.bytes >= whole.bytes && text.bytes + text.length <= whole.bytes + whole.length);
  CHECK(memchr(text.bytes, '\n', text.length) == NULL && memchr(text.bytes, '\0', text.length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct message message;
  whole = (struct text){(const char *)data, size};
  const bool parsed = message_parse(whole.bytes, whole.length, &message);
  if (size > 0 && data[size - 1] == '\0') whole.length--;
  CHECK(parsed == (whole.length <= MESSAGE_MAX && (whole.length == 0 || memchr(data, '\0', whole.length) == NULL)));
  if (!parsed) return 0;
  CHECK(message.ready == says("READY", "1"));
  CHECK(message.reloading == says("RELOADING", "1"));
  CHECK(message.stopping == says("STOPPING", "1"));
  CHECK(message.ping == says("WATCHDOG", "1"));
  CHECK(message.trigger == says("WATCHDOG", "trigger"));
  CHECK(message.barrier == says("BARRIER", "1"));
  CHECK(message.store == says("FDSTORE", "1"));
  CHECK(message.unstore == says("FDSTOREREMOVE", "1"));
  CHECK(!message.no_poll || says("FDPOLL", "0"));
  check_number("ERRNO", message.has_errno, (uint64_t)message.error, "2147483647", true);
  check_number("EXIT_STATUS", message.has_exit, (uint64_t)message.exit_status, "255", true);
  check_number("MAINPID", message.has_main, (uint64_t)message.main, "2147483647", false);
  check_number("WATCHDOG_USEC", message.has_watchdog, message.watchdog, "18446744073709551615", true);
  check_number("EXTEND_TIMEOUT_USEC", message.has_extend, message.extend, "18446744073709551615", true);
  CHECK(!message.has_access || (message.access >= ACCESS_NONE && message.access <= ACCESS_ALL));
  struct text rest = whole, value, last = {NULL, 0};
  while (next_value(&rest, "STATUS", &value)) last = value;
  CHECK(message.has_status == (last.bytes != NULL));
  if (message.has_status) {
    CHECK(message.status.bytes == last.bytes && message.status.length == last.length);
    check_within(message.status);
  }
  if (message.fdname.bytes) {
    check_within(message.fdname);
    CHECK(message.fdname.length >= 1 && message.fdname.length <= 255);
    for (size_t i = 0; i < message.fdname.length; i++) {
      const unsigned char byte = (unsigned char)message.fdname.bytes[i];
      CHECK(byte >= 0x20 && byte < 0x7f && byte != ':');
    }
  }
  return 0;
}
