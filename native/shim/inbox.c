#include "shim.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// The kernel's SCM_MAX_FD.
#define MAX_FDS 253

static int inbox = -1;
static char address[64];

void inbox_open(void) {
  inbox = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (inbox < 0) fail("socket for notifications");
  const int on = 1;
  if (setsockopt(inbox, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0) fail("SO_PASSCRED");
  // A name that nobody can take first.
  uint64_t chance = 0;
  if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0) chance = (uint64_t)clock_monotonic();
  const int length = snprintf(address, sizeof address, "@node-finit/shim/%d/%016llx", (int)shim.pid, (unsigned long long)chance);
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  memcpy(name.sun_path + 1, address + 1, (size_t)length - 1);
  if (bind(inbox, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)) != 0)
    fail("bind the socket for notifications");
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = SOURCE_INBOX};
  if (epoll_ctl(shim.epoll, EPOLL_CTL_ADD, inbox, &event) != 0) fail("epoll");
}

const char *inbox_address(void) { return address; }

int inbox_fd(void) { return inbox; }

static bool is_heard(pid_t sender) {
  switch (shim.access) {
    case ACCESS_NONE: return false;
    case ACCESS_MAIN: return sender == shim.main;
    case ACCESS_EXEC: return sender == shim.main || (shim.control != 0 && sender == shim.control);
    default: return sender == shim.main || process_is_descendant(sender);
  }
}

// Not more often than once in ten seconds: whoever floods us shall not flood the log.
static void complain(const char *what, pid_t sender) {
  static int64_t next;
  static unsigned quiet;
  if (shim.now < next) {
    quiet++;
    return;
  }
  if (quiet > 0)
    log_line("%s from process %d, dropped (%u more since the last line like this)", what, (int)sender, quiet);
  else
    log_line("%s from process %d, dropped", what, (int)sender);
  quiet = 0;
  next = shim.now + 10000000;
}

static void close_all(int *fds, int count, bool foreign) {
  const struct linger none = {0};
  for (int i = 0; i < count; i++) {
    if (fds[i] < 0) continue;
    // With SO_LINGER we would be kept waiting in close(), by whomever.
    if (foreign) (void)setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &none, sizeof none);
    close(fds[i]);
  }
}

bool inbox_drain(int most) {
  static char bytes[MESSAGE_MAX + 1];
  static union {
    char space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * MAX_FDS)];
    struct cmsghdr alignment;
  } control;
  for (int i = 0; i < most; i++) {
    struct iovec piece = {bytes, sizeof bytes};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    const ssize_t length = recvmsg(inbox, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) {
      if (errno == EINTR) continue;
      // Descriptors that did not fit into our table are closed by the kernel; everything else means that there is no more.
      return true;
    }
    pid_t sender = 0;
    static int fds[MAX_FDS];
    int fd_count = 0;
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&header); part; part = CMSG_NXTHDR(&header, part)) {
      if (part->cmsg_level != SOL_SOCKET) continue;
      if (part->cmsg_type == SCM_CREDENTIALS) {
        struct ucred who;
        memcpy(&who, CMSG_DATA(part), sizeof who);
        sender = who.pid;
      } else if (part->cmsg_type == SCM_RIGHTS) {
        fd_count = (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(part), (size_t)fd_count * sizeof(int));
      }
    }
    struct message message;
    const bool heard = sender > 0 && is_heard(sender);
    if (!heard)
      complain("a notification by somebody who is not heard", sender);
    else if ((header.msg_flags & MSG_TRUNC) || !message_parse(bytes, (size_t)length, &message))
      complain("a notification that is too long, or has a NUL in it,", sender);
    else
      supervise_message(&message, sender, fds, fd_count);
    close_all(fds, fd_count, !heard);
  }
  return false;
}
