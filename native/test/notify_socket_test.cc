#include "../addon/notify_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <thread>

#include "check.h"

using namespace finit;

namespace {

std::string unique_name(const char* what) { return std::string("node-finit-test-") + what + "-" + std::to_string(getpid()); }

// A supervisor's socket.
class Receiver {
 public:
  explicit Receiver(const std::string& name, int type = SOCK_DGRAM) : fd_(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0)) {
    socklen_t length = 0;
    const auto address = abstract(name, &length);
    CHECK(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
    if (type != SOCK_DGRAM) CHECK(::listen(fd_.get(), 10) == 0);
  }
  // The message that is there, and its descriptors.
  std::string take(std::vector<Fd>* descriptors = nullptr) {
    char text[8192];
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * NotifySocket::kMostDescriptors)];
    iovec part{text, sizeof text};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t length = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) return "nothing";
    if (const cmsghdr* const header = CMSG_FIRSTHDR(&message)) {
      const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      std::vector<int> numbers(count);
      memcpy(numbers.data(), CMSG_DATA(header), count * sizeof(int));
      for (const int number : numbers) {
        Fd fd(number);
        if (descriptors != nullptr) descriptors->push_back(std::move(fd));
      }
    }
    return std::string(text, static_cast<size_t>(length));
  }
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

void set_address(NotifySocket& socket, const std::string& name) {
  const std::string bytes = std::string(1, '\0') + name;
  CHECK(socket.unix_address(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()) == 0);
}

int say(NotifySocket& socket, const std::string& text, const std::vector<int>& fds = {}) {
  return socket.send(text.data(), text.size(), fds.data(), fds.size());
}

void who_replaces_the_receiver_gets_what_comes_next() {
  const auto name = unique_name("notify");
  NotifySocket socket;
  set_address(socket, name);
  CHECK(say(socket, "READY=1") == -ECONNREFUSED);
  for (int round = 0; round < 3; round++) {
    Receiver receiver(name);
    CHECK(say(socket, "READY=1") == 0 && receiver.take() == "READY=1");
    CHECK(say(socket, "") == 0 && receiver.take().empty());
  }
  CHECK(say(socket, "READY=1") == -ECONNREFUSED);
}

void what_is_too_long_or_too_much_is_not_sent() {
  const auto name = unique_name("notify-long");
  Receiver receiver(name);
  NotifySocket socket;
  set_address(socket, name);
  CHECK(say(socket, std::string(NotifySocket::kLongest + 1, 'x')) == -EMSGSIZE);
  CHECK(say(socket, "x", std::vector<int>(NotifySocket::kMostDescriptors + 1, 0)) == -E2BIG);
  CHECK(say(socket, "x", {-1}) == -EBADF);
  CHECK(receiver.take() == "nothing");
  CHECK(say(socket, std::string(NotifySocket::kLongest, 'x')) == 0);
  CHECK(receiver.take().size() == NotifySocket::kLongest);
  const uint8_t address[200] = {};
  CHECK(socket.unix_address(address, sizeof address) == -ENAMETOOLONG);
  CHECK(socket.unix_address(address, 0) == -ENAMETOOLONG);
  int result = 0, sent = 0;
  while ((result = say(socket, "WATCHDOG=1")) == 0 && sent < 100000) sent++;
  CHECK(result == -EAGAIN && sent > 0);
}

void descriptors_arrive_as_copies() {
  const auto name = unique_name("notify-fds");
  Receiver receiver(name);
  NotifySocket socket;
  set_address(socket, name);
  Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const size_t count : {size_t{1}, size_t{2}, NotifySocket::kMostDescriptors}) {
    CHECK(say(socket, "FDSTORE=1", std::vector<int>(count, null.get())) == 0);
    std::vector<Fd> descriptors;
    CHECK(receiver.take(&descriptors) == "FDSTORE=1" && descriptors.size() == count);
    for (const auto& descriptor : descriptors) {
      struct stat one {}, other {};
      CHECK(::fstat(descriptor.get(), &one) == 0 && ::fstat(null.get(), &other) == 0 && one.st_rdev == other.st_rdev);
    }
  }
}

void a_descriptor_that_somebody_has_closed_or_taken_is_left_alone() {
  const auto name = unique_name("notify-closed");
  Receiver receiver(name);
  NotifySocket socket;
  set_address(socket, name);
  // The number that the socket will get.
  const int number = ::dup(0);
  ::close(number);
  CHECK(say(socket, "one") == 0 && receiver.take() == "one");
  ::close(number);
  CHECK(say(socket, "two") == 0 && receiver.take() == "two");
  Fd taken(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  CHECK(::dup2(taken.get(), number) == number);
  CHECK(say(socket, "three") == 0 && receiver.take() == "three");
  // It is not ours any more, and still there.
  CHECK(::fcntl(number, F_GETFD) >= 0);
  ::close(number);
}

// What AF_VSOCK does on machines without its datagrams.
void a_connection_for_each_message_ends_with_it() {
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    const auto name = unique_name("notify-connected") + std::to_string(type);
    Receiver receiver(name, type);
    std::atomic<int> heard{0};
    std::thread server([&] {
      for (int i = 0; i < 20; i++) {
        Fd connection(::accept(receiver.fd(), nullptr, nullptr));
        char text[64];
        CHECK(::read(connection.get(), text, sizeof text) == 7 && memcmp(text, "READY=1", 7) == 0);
        CHECK(::read(connection.get(), text, sizeof text) == 0);
        heard++;
      }
    });
    NotifySocket socket;
    socklen_t length = 0;
    const auto address = abstract(name, &length);
    socket.any_address(reinterpret_cast<const sockaddr*>(&address), length, type);
    for (int i = 0; i < 20; i++) CHECK(say(socket, "READY=1") == 0);
    server.join();
    CHECK(heard == 20);
  }
}

// Threads of JavaScript have one each.
void many_threads_send_to_one_receiver() {
  const auto name = unique_name("notify-many");
  Receiver receiver(name);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&name, i] {
      NotifySocket socket;
      set_address(socket, name);
      for (int sent = 0; sent < 200;) {
        const int result = say(socket, "STATUS=" + std::to_string(i), sent % 50 == 0 ? std::vector<int>{0} : std::vector<int>{});
        CHECK(result == 0 || result == -EAGAIN);
        sent += result == 0;
        if (result != 0) usleep(100);
      }
    });
  int taken = 0;
  eventually([&] {
    for (;;) {
      const auto text = receiver.take();
      if (text == "nothing") return taken == 800;
      CHECK(text.size() == 8 && text.rfind("STATUS=", 0) == 0);
      taken++;
    }
  });
  for (auto& thread : threads) thread.join();
}

}  // namespace

Tests notify_socket_tests() {
  return {
      TEST(who_replaces_the_receiver_gets_what_comes_next),
      TEST(what_is_too_long_or_too_much_is_not_sent),
      TEST(descriptors_arrive_as_copies),
      TEST(a_descriptor_that_somebody_has_closed_or_taken_is_left_alone),
      TEST(a_connection_for_each_message_ends_with_it),
      TEST(many_threads_send_to_one_receiver),
  };
}
