// Telling finit. READY=1 is all that it understands (service_notify_cb() in its src/service.c), and it stands alone in its
// datagram: 4.13 and later read 31 bytes of each.
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// finit 4.13 and later bind the socket after they have forked us (finit issue 505).
#define LATE_BIND 1000000

static enum { NONE, ADDRESS, DESCRIPTOR, S6 } kind;
static bool is_finit, announced, pending;
static int fd = -1;
static struct sockaddr_un address;
static socklen_t address_length;
static int64_t opened, pause_for;

static bool descriptor(int number) {
  if (number < 3 || fcntl(number, F_GETFD) < 0) return false;
  // For us only: the service has a socket of its own.
  if (fcntl(number, F_SETFD, FD_CLOEXEC) != 0) return false;
  fd = number;
  return true;
}

void uplink_open(void) {
  opened = shim.now;
  const char *socket_text = getenv("NOTIFY_SOCKET");
  if (options.uplink == UPLINK_NONE) return;
  if (options.uplink == UPLINK_FD || options.uplink == UPLINK_S6) {
    if (!descriptor(options.uplink_fd)) {
      log_line("--notify: there is no descriptor %d", options.uplink_fd);
      _exit(EXIT_USAGE);
    }
    kind = options.uplink == UPLINK_FD ? DESCRIPTOR : S6;
    is_finit = true;
    return;
  }
  if (!socket_text || !*socket_text) return;
  uint64_t number;
  const size_t length = strlen(socket_text);
  if (number_parse((struct text){socket_text, length}, INT32_MAX, &number)) {
    // finit 4.4 - 4.12: a SEQPACKET socket that is connected to PID 1.
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt((int)number, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET && descriptor((int)number)) {
      kind = DESCRIPTOR;
      is_finit = true;
    } else {
      log_line("NOTIFY_SOCKET is descriptor %s, and that is not finit's socket: nobody is told of readiness", socket_text);
    }
    return;
  }
  if ((*socket_text != '/' && *socket_text != '@') || length >= sizeof address.sun_path) {
    log_line("NOTIFY_SOCKET is %s, neither a path nor a @name nor a number: nobody is told of readiness", socket_text);
    return;
  }
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path, socket_text, length);
  if (*socket_text == '@') address.sun_path[0] = '\0';
  address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (*socket_text == '/'));
  is_finit = strncmp(socket_text, "@run/finit/notify/", 18) == 0;
  fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) fail("socket for finit");
  kind = ADDRESS;
}

bool uplink_announced(void) { return announced; }

// 0, or errno.
static int tell(const char *text, size_t length) {
  ssize_t sent;
  do {
    if (kind == ADDRESS)
      sent = sendto(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, address_length);
    else
      sent = send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    // A pipe. SIGPIPE is blocked here, and a signal of ours is not passed on.
    if (sent < 0 && errno == ENOTSOCK) sent = write_at_once(fd, text, length);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? errno : 0;
}

void uplink_ready(void) {
  pause_for = 1000;
  pending = true;
  uplink_retry();
}

void uplink_retry(void) {
  shim.uplink_due = NEVER;
  if (!pending) return;
  if (kind == NONE) {
    pending = false;
    announced = true;
    return;
  }
  // s6's form is said once, and cannot be said again.
  if (kind == S6 && fd < 0) {
    pending = false;
    return;
  }
  const int error = kind == S6 ? tell("\n", 1) : tell("READY=1\n", 8);
  if (error == 0) {
    pending = false;
    announced = true;
    if (kind == S6) {
      close(fd);
      fd = -1;
    }
    return;
  }
  const bool late = error == ECONNREFUSED && is_finit && shim.now - opened < LATE_BIND;
  if (late || error == EAGAIN || error == ENOBUFS) {
    shim.uplink_due = later(shim.now, pause_for);
    if (pause_for < 1000000 && !late) pause_for *= 2;
    return;
  }
  pending = false;
  log_line("readiness did not reach %s: %s", is_finit ? "finit" : "the supervisor", strerror(error));
}

void uplink_say(const char *text) {
  // finit drops the rest from 4.13 on, and takes it for READY=1 before that.
  if (kind == ADDRESS && !is_finit) (void)tell(text, strlen(text));
}
