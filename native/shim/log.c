#include "shim.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

// finit gives services without `log` /dev/null.
static bool leads_nowhere(int fd) {
  struct stat stat;
  return fstat(fd, &stat) != 0 || (S_ISCHR(stat.st_mode) && stat.st_rdev == makedev(1, 3));
}

static void to_syslog(const char *text, size_t length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return;
  // Nobody is there to tell when this fails.
  (void)sendto(fd, text, length, MSG_NOSIGNAL, (struct sockaddr *)&address, sizeof address);
  close(fd);
}

ssize_t write_at_once(int fd, const char *text, size_t length) {
  // A pipe that has room has room for PIPE_BUF bytes, which is more than we write.
  struct pollfd room = {.fd = fd, .events = POLLOUT};
  if (poll(&room, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return write(fd, text, length);
}

void log_line(const char *format, ...) {
  char line[STATUS_TEXT_MAX + 512];
  // The priority is syslog's daemon.warning, and not for stderr.
  const int prefix = snprintf(line, sizeof line, "<28>");
  int length = snprintf(line + prefix, sizeof line - (size_t)prefix, "finit-shim[%d]: ", (int)getpid()) + prefix;
  va_list arguments;
  va_start(arguments, format);
  const int said = vsnprintf(line + length, sizeof line - (size_t)length - 1, format, arguments);
  va_end(arguments);
  if (said < 0) return;
  length += said;
  if (length > (int)sizeof line - 2) length = (int)sizeof line - 2;
  // A status text is the service's: it shall not draw on a terminal.
  for (int i = prefix; i < length; i++)
    if ((unsigned char)line[i] < ' ' || line[i] == 0x7f) line[i] = '?';
  if (leads_nowhere(2)) {
    to_syslog(line, (size_t)length);
    return;
  }
  line[length++] = '\n';
  // What cannot be written is lost.
  (void)write_at_once(2, line + prefix, (size_t)(length - prefix));
}

void fail(const char *what) {
  log_line("%s: %s", what, strerror(errno));
  _exit(EXIT_SHIM);
}
