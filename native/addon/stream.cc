#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "fd.h"

namespace finit {

int open_stream(const char* path, const uint8_t* request, size_t length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof(address.sun_path)) return -ENAMETOOLONG;
  std::strcpy(address.sun_path, path);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return -errno;
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int error = 0;
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    error = errno;
  } else {
    // A new connection's buffer has room for it: all or an error.
    const ssize_t sent = ::send(fd.get(), request, length, MSG_NOSIGNAL);
    if (sent < 0) error = errno;
    else if (static_cast<size_t>(sent) != length) error = EMSGSIZE;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return error != 0 ? -error : fd.release();
}

int read_stream(int fd, uint8_t* buffer, size_t length, int timeout_ms) {
  pollfd waiting{fd, POLLIN, 0};
  const int ready = ::poll(&waiting, 1, timeout_ms);
  if (ready < 0) return errno == EINTR ? -EAGAIN : -errno;
  if (ready == 0) return -EAGAIN;
  const ssize_t got = ::recv(fd, buffer, length, MSG_DONTWAIT);
  return got < 0 ? -errno : static_cast<int>(got);
}

}  // namespace finit
