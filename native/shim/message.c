#include "message.h"

#include <string.h>

bool access_parse(struct text text, enum access *access) {
  static const char *const words[] = {"none", "main", "exec", "all"};
  for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
    if (!text_is(text, words[i])) continue;
    *access = (enum access)i;
    return true;
  }
  return false;
}

bool message_fdname_is_valid(struct text name) {
  if (name.length == 0 || name.length > 255) return false;
  for (size_t i = 0; i < name.length; i++)
    if (name.bytes[i] < ' ' || name.bytes[i] > '~' || name.bytes[i] == ':') return false;
  return true;
}

static void field(struct text key, struct text value, struct message *message) {
  uint64_t number;
  if (text_is(key, "READY")) {
    message->ready |= text_is(value, "1");
  } else if (text_is(key, "RELOADING")) {
    message->reloading |= text_is(value, "1");
  } else if (text_is(key, "STOPPING")) {
    message->stopping |= text_is(value, "1");
  } else if (text_is(key, "STATUS")) {
    message->has_status = true;
    message->status = value;
  } else if (text_is(key, "ERRNO")) {
    if (!number_parse(value, INT32_MAX, &number)) return;
    message->has_errno = true;
    message->error = (int)number;
  } else if (text_is(key, "EXIT_STATUS")) {
    if (!number_parse(value, 255, &number)) return;
    message->has_exit = true;
    message->exit_status = (int)number;
  } else if (text_is(key, "MAINPID")) {
    if (!number_parse(value, INT32_MAX, &number) || number == 0) return;
    message->has_main = true;
    message->main = (pid_t)number;
  } else if (text_is(key, "WATCHDOG")) {
    message->ping |= text_is(value, "1");
    message->trigger |= text_is(value, "trigger");
  } else if (text_is(key, "WATCHDOG_USEC")) {
    if (!number_parse(value, UINT64_MAX, &number)) return;
    message->has_watchdog = true;
    message->watchdog = number;
  } else if (text_is(key, "EXTEND_TIMEOUT_USEC")) {
    if (!number_parse(value, UINT64_MAX, &number)) return;
    message->has_extend = true;
    message->extend = number;
  } else if (text_is(key, "NOTIFYACCESS")) {
    message->has_access |= access_parse(value, &message->access);
  } else if (text_is(key, "FDSTORE")) {
    message->store |= text_is(value, "1");
  } else if (text_is(key, "FDSTOREREMOVE")) {
    message->unstore |= text_is(value, "1");
  } else if (text_is(key, "FDNAME")) {
    if (message_fdname_is_valid(value)) message->fdname = value;
  } else if (text_is(key, "FDPOLL")) {
    message->no_poll = text_is(value, "0");
  } else if (text_is(key, "BARRIER")) {
    message->barrier |= text_is(value, "1");
  }
}

bool message_parse(const char *bytes, size_t length, struct message *message) {
  memset(message, 0, sizeof *message);
  // Some send the NUL at the end of their string too.
  if (length > 0 && bytes[length - 1] == '\0') length--;
  if (length > MESSAGE_MAX || memchr(bytes, '\0', length)) return false;
  while (length > 0) {
    const char *end = memchr(bytes, '\n', length);
    const size_t line = end ? (size_t)(end - bytes) : length;
    const char *equals = memchr(bytes, '=', line);
    if (equals) {
      const size_t key = (size_t)(equals - bytes);
      field((struct text){bytes, key}, (struct text){equals + 1, line - key - 1}, message);
    }
    bytes += line;
    length -= line;
    if (length > 0) bytes++, length--;
  }
  return true;
}
