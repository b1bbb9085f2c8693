#include <errno.h>

#include <deque>

#include "burst_server.h"

namespace {

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

}  // namespace

Tests burst_tests() {
  return {
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
  };
}
