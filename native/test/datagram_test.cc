#include "../addon/datagram.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <thread>

#include "check.h"

using namespace finit;

namespace {

void datagrams_reach_abstract_addresses_and_never_wait() {
  socklen_t length = 0;
  const auto address = abstract("node-finit-test-dgram-" + std::to_string(getpid()), &length);
  const auto* name = reinterpret_cast<const uint8_t*>(address.sun_path);
  const size_t name_length = length - offsetof(sockaddr_un, sun_path);
  Fd sender;
  const uint8_t ready[] = "READY=1";
  CHECK(send_datagram(sender, name, name_length, ready, 7) == -ECONNREFUSED);
  Fd receiver(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
  CHECK(::bind(receiver.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
  CHECK(send_datagram(sender, name, name_length, ready, 7) == 0);
  char buffer[32];
  CHECK(::recv(receiver.get(), buffer, sizeof buffer, 0) == 7 && memcmp(buffer, ready, 7) == 0);
  int result = 0, sent = 0;
  while ((result = send_datagram(sender, name, name_length, ready, 7)) == 0 && sent < 100000) sent++;
  CHECK(result == -EAGAIN && sent > 0);
  CHECK(send_datagram(sender, name, 0, ready, 7) == -ENAMETOOLONG);
  const std::vector<uint8_t> long_name(200, 'x');
  CHECK(send_datagram(sender, long_name.data(), long_name.size(), ready, 7) == -ENAMETOOLONG);
}

void descriptors_take_messages_without_sigpipe() {
  const uint8_t ready[] = "READY=1\n";
  int pair[2];
  CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
  CHECK(socket_type(pair[0]) == SOCK_SEQPACKET);
  CHECK(send_descriptor(pair[0], ready, 8) == 0);
  char buffer[32];
  CHECK(::read(pair[1], buffer, sizeof buffer) == 8);
  ::close(pair[1]);
  CHECK(send_descriptor(pair[0], ready, 8) == -EPIPE);
  ::close(pair[0]);
  CHECK(::pipe(pair) == 0);
  CHECK(socket_type(pair[1]) == -ENOTSOCK);
  CHECK(send_descriptor(pair[1], ready, 8) == 0);
  CHECK(::read(pair[0], buffer, sizeof buffer) == 8);
  const std::vector<uint8_t> large(4096, 'x');
  int result = 0;
  for (int i = 0; i < 1000 && result == 0; i++) result = send_descriptor(pair[1], large.data(), large.size());
  CHECK(result == -EAGAIN);
  ::close(pair[0]);
  CHECK(send_descriptor(pair[1], ready, 8) == -EPIPE);
  ::close(pair[1]);
  CHECK(socket_type(pair[1]) == -EBADF);
  CHECK(send_descriptor(pair[1], ready, 8) == -EBADF);
}

void descriptors_are_told_apart() {
  int pair[2];
  CHECK(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
  Fd one(pair[0]), other(pair[1]);
  CHECK(descriptor_kind(one.get()) == (S_IFSOCK >> 12 | AF_UNIX << 8 | SOCK_SEQPACKET << 16));
  Fd listening(::socket(AF_INET, SOCK_STREAM, 0));
  CHECK(::listen(listening.get(), 1) == 0);
  CHECK(descriptor_kind(listening.get()) == (S_IFSOCK >> 12 | AF_INET << 8 | SOCK_STREAM << 16 | 1 << 24));
  const Fd directory(::open("/", O_RDONLY | O_DIRECTORY));
  CHECK(descriptor_kind(directory.get()) == S_IFDIR >> 12);
  CHECK(descriptor_kind(-1) == -EBADF);
  CHECK(::fcntl(one.get(), F_GETFD) == 0);
  CHECK(close_on_exec(one.get()) == 0 && ::fcntl(one.get(), F_GETFD) == FD_CLOEXEC);
  CHECK(close_on_exec(-1) == -EBADF);
}

void a_retired_descriptor_keeps_its_number_while_others_use_it() {
  int pair[2];
  CHECK(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0);
  Fd ours(pair[0]), theirs(pair[1]);
  const uint8_t text[] = "x";
  std::thread sender([&] {
    for (int i = 0; i < 200; i++) {
      const int result = send_descriptor(ours.get(), text, 1);
      CHECK(result == 0 || result == -EAGAIN || result == -ECONNREFUSED);
    }
  });
  CHECK(retire_descriptor(ours.get()) == 0);
  sender.join();
  CHECK(descriptor_kind(ours.get()) == S_IFCHR >> 12);
  CHECK(send_descriptor(ours.get(), text, 1) == 0);
  CHECK(retire_descriptor(-1) == -EBADF);
}

}  // namespace

Tests datagram_tests() {
  return {
      TEST(datagrams_reach_abstract_addresses_and_never_wait),
      TEST(descriptors_take_messages_without_sigpipe),
      TEST(descriptors_are_told_apart),
      TEST(a_retired_descriptor_keeps_its_number_while_others_use_it),
  };
}
