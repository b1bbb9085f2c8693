// What a service says: one datagram of sd_notify(3). Parsing is a pure function of the bytes.
#ifndef FINIT_SHIM_MESSAGE_H
#define FINIT_SHIM_MESSAGE_H

#include <sys/types.h>

#include "text.h"

// Longer datagrams are dropped, as systemd does (NOTIFY_BUFFER_MAX is PIPE_BUF).
#define MESSAGE_MAX 4096

enum access { ACCESS_NONE, ACCESS_MAIN, ACCESS_EXEC, ACCESS_ALL };

struct message {
  bool ready, reloading, stopping;
  bool ping, trigger;
  bool barrier;
  bool store, unstore, no_poll;
  bool has_status, has_errno, has_main, has_watchdog, has_extend, has_access, has_exit;
  struct text status;    // may be empty: takes the former one back
  struct text fdname;    // bytes is NULL without FDNAME
  int error;             // ERRNO, 0 - INT32_MAX
  int exit_status;       // EXIT_STATUS, 0 - 255
  pid_t main;            // MAINPID, > 0
  uint64_t watchdog;     // WATCHDOG_USEC, microseconds, 0 turns it off
  uint64_t extend;       // EXTEND_TIMEOUT_USEC, microseconds
  enum access access;    // NOTIFYACCESS
};

// False when it is no message at all: too long, or a NUL within it. Fields that are not known, or with values that
// cannot be, are passed over; of a field that is there twice the later one counts.
bool message_parse(const char *bytes, size_t length, struct message *message);

// FDNAME as systemd takes it: 1 - 255 characters of ASCII, none of them a control character or ':'.
bool message_fdname_is_valid(struct text name);

// "none", "main", "exec" or "all".
bool access_parse(struct text text, enum access *access);

#endif
