#include "../addon/stream.h"

#include <errno.h>
#include <fcntl.h>

#include <thread>

#include "../addon/fd.h"
#include "../addon/watchdog.h"
#include "check.h"

using namespace finit;

namespace {

// A watchdogd: a request of any length, an answer in two parts, one client at a time.
class StreamServer {
 public:
  explicit StreamServer(int clients) : path_("/tmp/node-finit-test-stream-" + std::to_string(getpid())) {
    ::unlink(path_.c_str());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    strcpy(address.sun_path, path_.c_str());
    listen_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(::bind(listen_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    CHECK(::listen(listen_.get(), 10) == 0);
    thread_ = std::thread([this, clients] {
      for (int i = 0; i < clients; i++) {
        Fd connection(::accept(listen_.get(), nullptr, nullptr));
        char text[64];
        const ssize_t got = ::read(connection.get(), text, sizeof text);
        CHECK(got > 0);
        CHECK(::send(connection.get(), text, 1, MSG_NOSIGNAL) == 1);
        usleep(1000);
        CHECK(::send(connection.get(), text + 1, static_cast<size_t>(got) - 1, MSG_NOSIGNAL) == got - 1);
      }
    });
  }
  ~StreamServer() {
    thread_.join();
    ::unlink(path_.c_str());
  }
  const char* path() const { return path_.c_str(); }

 private:
  std::string path_;
  Fd listen_;
  std::thread thread_;
};

std::string ask(const char* path, const std::string& request) {
  const Fd fd(open_stream(path, reinterpret_cast<const uint8_t*>(request.data()), request.size()));
  CHECK(fd);
  std::string answer;
  for (;;) {
    uint8_t buffer[16];
    const int got = read_stream(fd.get(), buffer, sizeof buffer, 5000);
    CHECK(got >= 0 || got == -EAGAIN);
    if (got == 0) return answer;
    if (got > 0) answer.append(reinterpret_cast<char*>(buffer), static_cast<size_t>(got));
  }
}

void a_stream_is_asked_by_many_threads() {
  StreamServer server(40);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; i++)
    threads.emplace_back([&server, i] {
      for (int round = 0; round < 10; round++) {
        const std::string request = "request " + std::to_string(i * 10 + round);
        CHECK(ask(server.path(), request) == request);
      }
    });
  for (auto& thread : threads) thread.join();
}

void a_stream_that_says_nothing_is_not_waited_for_longer_than_asked() {
  int pair[2];
  CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  Fd ours(pair[0]), theirs(pair[1]);
  uint8_t buffer[4];
  CHECK(read_stream(ours.get(), buffer, sizeof buffer, 0) == -EAGAIN);
  CHECK(read_stream(ours.get(), buffer, sizeof buffer, 5) == -EAGAIN);
  std::thread closing([&theirs] { theirs.reset(); });
  CHECK(read_stream(ours.get(), buffer, sizeof buffer, -1) == 0);
  closing.join();
}

void a_stream_that_is_not_there_is_an_error() {
  const uint8_t request[] = "x";
  CHECK(open_stream("/proc/none", request, 1) == -ENOENT);
  CHECK(open_stream(std::string(108, 'x').c_str(), request, 1) == -ENAMETOOLONG);
  CHECK(open_stream(std::string(107, 'x').c_str(), request, 1) == -ENOENT);
  uint8_t buffer[4];
  CHECK(read_stream(100000, buffer, sizeof buffer, 100) == -EBADF);
}

void what_is_no_watchdog_says_so() {
  const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  watchdog_info info{};
  CHECK(watchdog_support(null.get(), info) == -ENOTTY && watchdog_support(-1, info) == -EBADF);
  for (const auto what : {WatchdogValue::status, WatchdogValue::boot_status, WatchdogValue::timeout, WatchdogValue::pretimeout,
                          WatchdogValue::time_left})
    CHECK(watchdog_get(null.get(), what) == -ENOTTY);
  for (const auto what : {WatchdogValue::timeout, WatchdogValue::pretimeout, WatchdogValue::options})
    CHECK(watchdog_set(null.get(), what, 10) == -ENOTTY);
  // What cannot be asked for, cannot be set, or is nothing at all.
  CHECK(watchdog_get(null.get(), WatchdogValue::options) == -EINVAL);
  CHECK(watchdog_set(null.get(), WatchdogValue::status, 1) == -EINVAL);
  CHECK(watchdog_get(null.get(), static_cast<WatchdogValue>(99)) == -EINVAL);
  CHECK(watchdog_set(null.get(), static_cast<WatchdogValue>(-1), 1) == -EINVAL);
}

}  // namespace

Tests stream_tests() {
  return {
      TEST(a_stream_is_asked_by_many_threads),
      TEST(a_stream_that_says_nothing_is_not_waited_for_longer_than_asked),
      TEST(a_stream_that_is_not_there_is_an_error),
      TEST(what_is_no_watchdog_says_so),
  };
}
