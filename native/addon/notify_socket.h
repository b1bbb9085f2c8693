// A supervisor's socket and the way to it: AF_UNIX datagrams on a descriptor that stays connected, or AF_VSOCK.
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "fd.h"

namespace finit {

class NotifySocket {
 public:
  // systemd reads so much of a message, and ignores longer ones (NOTIFY_BUFFER_MAX in systemd's src/core/manager.c).
  static constexpr size_t kLongest = 4096;
  // The kernel passes no more descriptors with a message (SCM_MAX_FD).
  static constexpr size_t kMostDescriptors = 253;

  // `address` is the bytes of sun_path. 0, or -ENAMETOOLONG.
  int unix_address(const uint8_t* address, size_t length);
  // `type` is SOCK_DGRAM, SOCK_SEQPACKET or SOCK_STREAM; 0: the first of them, in this order, that the machine has.
  void vsock_address(uint32_t cid, uint32_t port, int type);
  // Any address and a type; connections are made anew for each message, unless it is for datagrams.
  void any_address(const sockaddr* address, socklen_t length, int type);

  // From now on send() gives -ESTALE, and sends nothing, unless NOTIFY_SOCKET in the process's environment is just this. For the main
  // thread only: others have environments of their own in Node, and getenv() is not for them.
  void watch_environment(std::string value);

  // 0, or -errno; never raises SIGPIPE, never waits but for a connection (kPatienceMs). When who was at the address has gone,
  // whoever is there now gets it.
  int send(const char* text, size_t length, const int* fds, size_t count);

  // Closes the connection; the next send() makes another.
  void close() { fd_.reset(); }

 private:
  // For how long a connection (AF_VSOCK without datagrams) may take, all in all.
  static constexpr int kPatienceMs = 100;

  int connect();
  int send_connected(const char* text, size_t length, const int* fds, size_t count);
  int send_once(int type, const char* text, size_t length, const int* fds, size_t count);

  Fd fd_;
  sockaddr_storage to_{};
  socklen_t to_length_ = 0;
  int type_ = SOCK_DGRAM;
  bool watches_ = false;
  std::string environment_;
};

}  // namespace finit
