#include "notify_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include <utility>

namespace finit {

namespace {

int64_t now_ms() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// 0, or -errno; -ETIMEDOUT when the time came first.
int wait_for(int fd, short events, int64_t until) {
  for (;;) {
    const int64_t left = until - now_ms();
    if (left <= 0) return -ETIMEDOUT;
    pollfd waiting{fd, events, 0};
    const int result = ::poll(&waiting, 1, static_cast<int>(left));
    if (result > 0) return 0;
    if (result < 0 && errno != EINTR) return -errno;
  }
}

// systemd takes messages over vsock from privileged ports only, so one is tried; who may not have one is sent from another.
int bind_privileged(int fd) {
  sockaddr_vm from{};
  from.svm_family = AF_VSOCK;
  from.svm_cid = VMADDR_CID_ANY;
  for (from.svm_port = 1023; from.svm_port > 0; from.svm_port--) {
    if (::bind(fd, reinterpret_cast<sockaddr*>(&from), sizeof from) == 0) return 0;
    if (errno == EACCES || errno == EPERM) return 0;
    if (errno != EADDRINUSE) return -errno;
  }
  return -EADDRINUSE;
}

bool lacks_type(int error) {
  return error == ENODEV || error == EOPNOTSUPP || error == ESOCKTNOSUPPORT || error == EPROTONOSUPPORT || error == ENOSYS ||
         error == EAFNOSUPPORT;
}

ssize_t send_message(int fd, const char* text, size_t length, const int* fds, size_t count) {
  ssize_t sent;
  if (count == 0) {
    do {
      sent = ::send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent;
  }
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * NotifySocket::kMostDescriptors)];
  iovec part{const_cast<char*>(text), length};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
  memset(control, 0, message.msg_controllen);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * count);
  memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
  do {
    sent = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

}  // namespace

int NotifySocket::unix_address(const uint8_t* address, size_t length) {
  sockaddr_un to{};
  if (length == 0 || length > sizeof to.sun_path) return -ENAMETOOLONG;
  to.sun_family = AF_UNIX;
  memcpy(to.sun_path, address, length);
  // The length is the name's own: an abstract address with a NUL more at its end is another address.
  any_address(reinterpret_cast<sockaddr*>(&to), static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length), SOCK_DGRAM);
  return 0;
}

void NotifySocket::vsock_address(uint32_t cid, uint32_t port, int type) {
  sockaddr_vm to{};
  to.svm_family = AF_VSOCK;
  to.svm_cid = cid;
  to.svm_port = port;
  any_address(reinterpret_cast<sockaddr*>(&to), sizeof to, type);
}

void NotifySocket::any_address(const sockaddr* address, socklen_t length, int type) {
  fd_.reset();
  memcpy(&to_, address, length);
  to_length_ = length;
  type_ = type;
}

void NotifySocket::watch_environment(std::string value) {
  watches_ = true;
  environment_ = std::move(value);
}

int NotifySocket::send(const char* text, size_t length, const int* fds, size_t count) {
  if (watches_) {
    const char* const now = ::getenv("NOTIFY_SOCKET");
    if (now == nullptr || environment_ != now) return -ESTALE;
  }
  if (length > kLongest) return -EMSGSIZE;
  if (count > kMostDescriptors) return -E2BIG;
  if (type_ == SOCK_DGRAM) return send_connected(text, length, fds, count);
  if (type_ != 0) return send_once(type_, text, length, fds, count);
  int result = 0;
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET, SOCK_STREAM}) {
    result = send_once(type, text, length, fds, count);
    if (!lacks_type(-result)) break;
  }
  return result;
}

// The descriptor is made, and connected to who is there now: without the address to look up each time, sending costs less.
int NotifySocket::connect() {
  if (!fd_) {
    fd_ = Fd(::socket(to_.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd_) return -errno;
    if (to_.ss_family == AF_VSOCK) {
      const int bound = bind_privileged(fd_.get());
      if (bound < 0) {
        fd_.reset();
        return bound;
      }
    }
  }
  if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&to_), to_length_) == 0) return 0;
  const int error = errno;
  // A datagram socket that could not be connected again keeps its old peer; nobody is to get anything by that.
  fd_.reset();
  return -error;
}

int NotifySocket::send_connected(const char* text, size_t length, const int* fds, size_t count) {
  bool fresh = !fd_;
  for (;;) {
    if (!fd_ || fresh) {
      const int error = connect();
      if (error < 0) return error;
    }
    if (send_message(fd_.get(), text, length, fds, count) >= 0) return 0;
    const int error = errno;
    const bool gone = error == ECONNREFUSED || error == ENOTCONN || error == ECONNRESET || error == EPIPE;
    // Somebody has closed our descriptor, and may have got its number for something else: it is not ours to close. (EBADF may also
    // mean one of those to send.)
    const bool taken = error == ENOTSOCK || (error == EBADF && ::fcntl(fd_.get(), F_GETFD) < 0);
    if (taken) fd_.release();
    if (fresh || !(gone || taken)) return -error;
    fresh = true;
  }
}

int NotifySocket::send_once(int type, const char* text, size_t length, const int* fds, size_t count) {
  Fd fd(::socket(to_.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return -errno;
  if (to_.ss_family == AF_VSOCK) {
    const int bound = bind_privileged(fd.get());
    if (bound < 0) return bound;
  }
  const int64_t until = now_ms() + kPatienceMs;
  if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&to_), to_length_) != 0) {
    if (errno != EINPROGRESS) return -errno;
    const int waited = wait_for(fd.get(), POLLOUT, until);
    if (waited < 0) return waited;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
    if (error != 0) return -error;
  }
  const ssize_t sent = send_message(fd.get(), text, length, fds, count);
  if (sent < 0) return -errno;
  if (static_cast<size_t>(sent) != length) return -EMSGSIZE;
  if (type == SOCK_DGRAM) return 0;
  // The end of the connection is the end of the message, and tells us that it was read, as libsystemd has it. That a slow reader
  // has not yet answered does not make it unsent.
  if (::shutdown(fd.get(), SHUT_WR) != 0) return -errno;
  wait_for(fd.get(), POLLIN, until);
  return 0;
}

}  // namespace finit
