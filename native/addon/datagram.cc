#include "datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

namespace finit {

namespace {

// write() to a pipe without a reader raises SIGPIPE in this thread; take it back before anybody sees it.
ssize_t write_without_sigpipe(int fd, const uint8_t* payload, size_t length) {
  sigset_t pipe_only, before, pending;
  sigemptyset(&pipe_only);
  sigaddset(&pipe_only, SIGPIPE);
  sigpending(&pending);
  const bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
  const ssize_t written = ::write(fd, payload, length);
  const int error = errno;
  if (written < 0 && error == EPIPE && !was_pending) {
    const timespec at_once{};
    while (sigtimedwait(&pipe_only, nullptr, &at_once) < 0 && errno == EINTR) continue;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return written;
}

}  // namespace

int send_datagram(Fd& sender, const uint8_t* address, size_t address_length, const uint8_t* payload, size_t length) {
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  if (address_length == 0 || address_length > sizeof to.sun_path) return -ENAMETOOLONG;
  memcpy(to.sun_path, address, address_length);
  // The length is the name's own: an abstract address with a NUL more at its end is another address.
  const socklen_t to_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_length);
  if (!sender) sender = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!sender) return -errno;
  ssize_t sent;
  do {
    sent = ::sendto(sender.get(), payload, length, MSG_NOSIGNAL | MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&to), to_length);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? -errno : 0;
}

int send_descriptor(int fd, const uint8_t* payload, size_t length) {
  ssize_t sent;
  do {
    sent = ::send(fd, payload, length, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno == ENOTSOCK) {
    // A pipe: made to not wait for the length of this call only, others may share it.
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0) return -errno;
    if (!(flags & O_NONBLOCK) && ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return -errno;
    do {
      sent = write_without_sigpipe(fd, payload, length);
    } while (sent < 0 && errno == EINTR);
    const int error = errno;
    if (!(flags & O_NONBLOCK)) ::fcntl(fd, F_SETFL, flags);
    errno = error;
  }
  if (sent < 0) return -errno;
  return static_cast<size_t>(sent) == length ? 0 : -EMSGSIZE;
}

int socket_type(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 ? type : -errno;
}

int descriptor_kind(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return -errno;
  int kind = static_cast<int>((status.st_mode & S_IFMT) >> 12);
  if (!S_ISSOCK(status.st_mode)) return kind;
  const auto option = [fd](int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : 0;
  };
  kind |= option(SO_DOMAIN) << 8 | option(SO_TYPE) << 16 | (option(SO_ACCEPTCONN) != 0) << 24;
  return kind;
}

int close_on_exec(int fd) {
  const int flags = ::fcntl(fd, F_GETFD);
  return flags >= 0 && ::fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == 0 ? 0 : -errno;
}

int retire_descriptor(int fd) {
  const Fd null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return null && ::dup3(null.get(), fd, O_CLOEXEC) >= 0 ? 0 : -errno;
}

}  // namespace finit
