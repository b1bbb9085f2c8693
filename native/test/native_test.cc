// What of the addon has no Node in it, run against a real SOCK_SEQPACKET server in a thread of its own; made for the sanitizers.
// `npm test` builds and runs it with ASan + UBSan and with TSan (test/native/sanitizers.test.ts).
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <string>
#include <thread>

#include "../addon/burst.h"
#include "../addon/datagram.h"
#include "../addon/loop.h"

using namespace finit;

static const char* current = "";

#define CHECK(condition)                                                              \
  do {                                                                                \
    if (!(condition)) {                                                               \
      fprintf(stderr, "%s: %s:%d: %s\n", current, __FILE__, __LINE__, #condition);    \
      exit(1);                                                                        \
    }                                                                                 \
  } while (0)

namespace {

sockaddr_un abstract(const std::string& name, socklen_t* length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path + 1, name.data(), name.size());
  *length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

// Serves like PID 1 does: one connection at a time, blocking, until the client closes or `serve` says it is done.
class Server {
 public:
  // Gets each request; returns false to close the connection.
  using Serve = std::function<bool(int fd, const std::vector<uint8_t>& request)>;

  explicit Server(Serve serve, int backlog = 10) : serve_(std::move(serve)) {
    static std::atomic<int> count{0};
    address_ = abstract("node-finit-test-" + std::to_string(getpid()) + "-" + std::to_string(count++), &length_);
    listen_ = Fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    CHECK(::bind(listen_.get(), reinterpret_cast<sockaddr*>(&address_), length_) == 0);
    CHECK(::listen(listen_.get(), backlog) == 0);
  }

  ~Server() {
    // Wakes the accept().
    ::shutdown(listen_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }

  void start() {
    thread_ = std::thread([this] {
      for (;;) {
        Fd connection(::accept(listen_.get(), nullptr, nullptr));
        if (!connection) return;
        accepted++;
        for (;;) {
          std::vector<uint8_t> request(4096);
          const ssize_t got = ::read(connection.get(), request.data(), request.size());
          if (got <= 0) break;
          request.resize(static_cast<size_t>(got));
          if (!serve_(connection.get(), request)) break;
        }
        closed++;
      }
    });
  }

  BurstSpec spec(std::vector<std::vector<uint8_t>> requests, int64_t timeout = 5000) const {
    BurstSpec spec;
    spec.address = address_;
    spec.address_length = length_;
    spec.requests = std::move(requests);
    spec.timeout_ms = timeout;
    return spec;
  }

  std::atomic<int> accepted{0};
  std::atomic<int> closed{0};

 private:
  Serve serve_;
  Fd listen_;
  sockaddr_un address_{};
  socklen_t length_ = 0;
  std::thread thread_;
};

// Waits for outcomes on the main thread.
class Outcomes {
 public:
  Burst::Done take(int slot = 0) {
    return [this, slot](BurstOutcome&& outcome) {
      std::lock_guard lock(mutex_);
      outcomes_[slot] = std::move(outcome);
      changed_.notify_all();
    };
  }
  BurstOutcome wait(int slot = 0) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return outcomes_.count(slot) != 0; });
    auto outcome = std::move(outcomes_[slot]);
    outcomes_.erase(slot);
    return outcome;
  }
  size_t count() {
    std::lock_guard lock(mutex_);
    return outcomes_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int, BurstOutcome> outcomes_;
};

// What a burst writes to.
class Memory {
 public:
  explicit Memory(size_t answers = 256, size_t size = 4 * kMaxReply) : arena_(size), lengths_(answers) {}
  BurstSpec lend(BurstSpec&& spec) {
    spec.arena = arena_.data();
    spec.arena_size = arena_.size();
    spec.lengths = lengths_.data();
    spec.limit = lengths_.size();
    return std::move(spec);
  }
  std::vector<std::vector<uint8_t>> answers(size_t count) const {
    std::vector<std::vector<uint8_t>> answers;
    const uint8_t* from = arena_.data();
    for (size_t i = 0; i < count; from += lengths_[i++]) answers.emplace_back(from, from + lengths_[i]);
    return answers;
  }

 private:
  std::vector<uint8_t> arena_;
  std::vector<uint32_t> lengths_;
};

struct Result : BurstOutcome {
  std::vector<std::vector<uint8_t>> replies;
};

// As the addon does it: here for as long as `patience`, then on the loop.
Result run(Loop& loop, BurstSpec&& spec, Clock::duration patience, Memory&& memory = Memory()) {
  static uint64_t id = 1000;
  Outcomes outcomes;
  auto burst = std::make_unique<Burst>(memory.lend(std::move(spec)), outcomes.take());
  if (patience == Clock::duration::zero() || !burst->attempt(patience)) CHECK(loop.post(++id, std::move(burst)) == 0);
  Result result{outcomes.wait(), {}};
  result.replies = memory.answers(result.answers);
  return result;
}

// On the loop only; here only; begun here and handed over at once.
const Clock::duration kPatiences[] = {Clock::duration::zero(), std::chrono::minutes(1), std::chrono::nanoseconds(1)};

bool echo(int fd, const std::vector<uint8_t>& request) {
  return ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) >= 0;
}

// Never answers, and does not read either (that would see the client's SHUT_WR): holds on until the client has closed.
bool silent(int fd, const std::vector<uint8_t>&) {
  pollfd closing{fd, POLLHUP, 0};
  while (::poll(&closing, 1, 5000) > 0 && !(closing.revents & POLLHUP)) usleep(100);
  return false;
}

// Gives time for what has to happen on another thread; the test fails if it does not.
template <typename Condition>
void eventually(Condition condition) {
  for (int i = 0; i < 60000 && !condition(); i++) usleep(1000);
  CHECK(condition());
}

void answers_come_in_the_order_of_the_requests() {
  Server server(echo);
  server.start();
  Loop loop;
  for (const auto patience : kPatiences) {
    for (const size_t window : {1, 3, 8, 100}) {
      std::vector<std::vector<uint8_t>> requests;
      for (uint8_t i = 0; i < 50; i++) requests.push_back({i});
      auto spec = server.spec(requests);
      spec.window = window;
      const auto outcome = run(loop, std::move(spec), patience);
      CHECK(outcome.error == 0 && outcome.replies == requests);
    }
  }
  eventually([&] { return server.closed == 600; });
}

void an_enumeration_ends_at_its_end_marker() {
  int next = 0;
  Server server([&next](int fd, const std::vector<uint8_t>& request) {
    if (request[0] == 1) next = 0;
    const int32_t record[2] = {0, next < 20 ? next++ : -1};
    ::send(fd, record, sizeof record, MSG_NOSIGNAL);
    return false;
  });
  server.start();
  Loop loop;
  for (const auto patience : kPatiences) {
    for (const size_t window : {1, 8}) {
      auto spec = server.spec({{1}, {0}});
      spec.repeat = true;
      spec.window = window;
      spec.end_markers = {8, 4};
      const auto outcome = run(loop, std::move(spec), patience);
      CHECK(outcome.error == 0 && outcome.replies.size() == 20);
    }
    auto spec = server.spec({{1}, {0}});
    spec.repeat = true;
    spec.end_markers = {8, 4};
    auto many = spec;
    const auto outcome = run(loop, std::move(many), patience, Memory(7));
    CHECK(outcome.error == EOVERFLOW && outcome.replies.size() == 7);
    auto long_ones = spec;
    const auto full = run(loop, std::move(long_ones), patience, Memory(100, 9 * 8 + 5));
    CHECK(full.error == ENOBUFS && full.replies.size() == 9);
  }
}

void an_enumeration_stops_at_an_answer_of_unknown_length() {
  Server server([](int fd, const std::vector<uint8_t>& request) { return echo(fd, request) && false; });
  server.start();
  Loop loop;
  for (const size_t window : {1, 8}) {
    auto spec = server.spec({{1}, {0}});
    spec.repeat = true;
    spec.window = window;
    spec.end_markers = {12, 4, 1, 0};  // neither fits: another length, and an offset that leaves no int32
    const auto outcome = run(loop, std::move(spec), kPatiences[window % 3]);
    CHECK(outcome.error == 0 && outcome.replies.size() == 1);
  }
}

void a_connection_closed_without_an_answer_is_told() {
  Server server([](int, const std::vector<uint8_t>&) { return false; });
  server.start();
  Loop loop;
  for (const auto patience : kPatiences) {
    const auto outcome = run(loop, server.spec({{1}}), patience);
    CHECK(outcome.error == ENODATA && outcome.replies.empty());
  }
}

void a_silent_server_costs_the_deadline_and_is_let_go() {
  Server server(silent);
  server.start();
  Loop loop;
  for (const auto patience : kPatiences) {
    // Here only, it is handed over when the deadline comes.
    const auto outcome = run(loop, server.spec({{1}}, 30), patience);
    CHECK(outcome.error == ETIMEDOUT);
  }
  eventually([&] { return server.closed == 3; });
}

void a_cancelled_burst_closes_its_connections() {
  Server server(silent);
  server.start();
  Loop loop;
  Outcomes outcomes;
  Memory memory;
  loop.post(1, std::make_unique<Burst>(memory.lend(server.spec({{1}})), outcomes.take()));
  eventually([&] { return server.accepted == 1; });
  loop.cancel(1);
  CHECK(outcomes.wait().error == ECANCELED);
  eventually([&] { return server.closed == 1; });
  loop.cancel(1);
  loop.cancel(12345);
}

void a_full_backlog_is_waited_for() {
  Server server(echo, 0);
  Loop loop;
  // Nobody accepts yet: one waits in the backlog, the others cannot even connect.
  Outcomes outcomes;
  Memory memories[4];
  for (int i = 0; i < 4; i++) {
    auto burst = std::make_unique<Burst>(memories[i].lend(server.spec({{7}}, i == 3 ? 20 : 5000)), outcomes.take(i));
    // Begun here, every other one, it is given up at once: for a full backlog nobody waits here.
    if (i % 2 == 1) CHECK(!burst->attempt(std::chrono::microseconds(i)));
    loop.post(static_cast<uint64_t>(i + 1), std::move(burst));
  }
  CHECK(outcomes.wait(3).error == ETIMEDOUT);
  CHECK(outcomes.count() == 0);
  server.start();
  for (int i = 0; i < 3; i++) CHECK(outcomes.wait(i).error == 0);
}

void an_answer_that_is_too_long_is_an_error() {
  Server server([](int fd, const std::vector<uint8_t>&) {
    const std::vector<uint8_t> large(100 * 1000);
    ::send(fd, large.data(), large.size(), MSG_NOSIGNAL);
    return true;
  });
  server.start();
  Loop loop;
  for (const auto patience : kPatiences) CHECK(run(loop, server.spec({{1}}), patience).error == EMSGSIZE);
}

void a_server_that_is_not_there_is_an_error() {
  Loop loop;
  BurstSpec spec;
  spec.address = abstract("node-finit-test-nobody-" + std::to_string(getpid()), &spec.address_length);
  spec.requests = {{1}};
  spec.timeout_ms = 1000;
  for (const auto patience : kPatiences) {
    auto copy = spec;
    const auto outcome = run(loop, std::move(copy), patience);
    CHECK(outcome.error == ECONNREFUSED && outcome.syscall == Syscall::connect);
  }
}

void a_loop_may_end_with_bursts_under_way() {
  Server server(silent);
  server.start();
  Outcomes outcomes;
  Memory memories[5];
  {
    Loop loop;
    for (int i = 0; i < 5; i++)
      loop.post(static_cast<uint64_t>(i + 1),
                std::make_unique<Burst>(memories[i].lend(server.spec({{1}})), outcomes.take(i)));
    eventually([&] { return server.accepted == 1; });
  }
  // Nobody is told, and the server is rid of all that had connected.
  CHECK(outcomes.count() == 0);
  eventually([&] { return server.accepted == server.closed; });
  Loop never_used;
}

void bursts_are_taken_from_several_threads() {
  Server server(echo);
  server.start();
  Loop loop;
  Outcomes outcomes;
  std::deque<Memory> memories;
  for (int i = 0; i < 400; i++) memories.emplace_back(2, kMaxReply);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; thread++)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 100; i++) {
        const int slot = thread * 1000 + i;
        auto spec = memories[static_cast<size_t>(thread * 100 + i)].lend(server.spec({{1}, {2}}));
        loop.post(static_cast<uint64_t>(slot + 1), std::make_unique<Burst>(std::move(spec), outcomes.take(slot)));
        if (i % 10 == 0) loop.cancel(static_cast<uint64_t>(slot + 1));
      }
    });
  for (auto& thread : threads) thread.join();
  for (int thread = 0; thread < 4; thread++)
    for (int i = 0; i < 100; i++) {
      const auto outcome = outcomes.wait(thread * 1000 + i);
      CHECK(outcome.error == 0 || (i % 10 == 0 && outcome.error == ECANCELED));
    }
}

void a_polled_descriptor_is_told_once_each_time_it_is_armed() {
  Loop loop;
  Fd event(::eventfd(0, EFD_NONBLOCK));
  std::atomic<int> told{0};
  CHECK(loop.poll(1, event.get(), [&told] { told++; }) == 0);
  const uint64_t one = 1;
  CHECK(::write(event.get(), &one, sizeof one) == sizeof one);
  eventually([&] { return told == 1; });
  usleep(20 * 1000);
  CHECK(told == 1);
  loop.rearm(1, event.get());
  eventually([&] { return told == 2; });
  loop.unpoll(1, event.get());
  CHECK(loop.poll(2, -1, [] {}) == EBADF);
}

void watchers_come_and_go_while_events_arrive() {
  Loop loop;
  for (uint64_t i = 1; i <= 200; i++) {
    Fd event(::eventfd(1, EFD_NONBLOCK));
    std::atomic<int> told{0};
    CHECK(loop.poll(i, event.get(), [&told] { told++; }) == 0);
    if (i % 2 == 0) usleep(50);
    loop.unpoll(i, event.get());
    const int after = told;
    usleep(20);
    CHECK(told == after);
  }
}

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

}  // namespace

#define TEST(name) {#name, name}

int main() {
  const struct {
    const char* name;
    void (*run)();
  } tests[] = {
      TEST(answers_come_in_the_order_of_the_requests),
      TEST(an_enumeration_ends_at_its_end_marker),
      TEST(an_enumeration_stops_at_an_answer_of_unknown_length),
      TEST(a_connection_closed_without_an_answer_is_told),
      TEST(a_silent_server_costs_the_deadline_and_is_let_go),
      TEST(a_cancelled_burst_closes_its_connections),
      TEST(a_full_backlog_is_waited_for),
      TEST(an_answer_that_is_too_long_is_an_error),
      TEST(a_server_that_is_not_there_is_an_error),
      TEST(a_loop_may_end_with_bursts_under_way),
      TEST(bursts_are_taken_from_several_threads),
      TEST(a_polled_descriptor_is_told_once_each_time_it_is_armed),
      TEST(watchers_come_and_go_while_events_arrive),
      TEST(datagrams_reach_abstract_addresses_and_never_wait),
      TEST(descriptors_take_messages_without_sigpipe),
  };
  for (const auto& test : tests) {
    current = test.name;
    test.run();
    printf("ok %s\n", test.name);
  }
}
