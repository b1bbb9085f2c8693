#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include <atomic>
#include <memory>
#include <thread>

#include "burst_server.h"

namespace {

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

struct Pipe {
  Pipe() {
    int ends[2];
    CHECK(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
    ours = Fd(ends[0]);
    theirs = Fd(ends[1]);
  }
  Fd ours, theirs;
};

// As hangup() of the addon has it.
void a_pipe_is_told_of_when_the_last_copy_of_its_other_end_is_closed() {
  Loop loop;
  Pipe pipe;
  std::atomic<int> told{0};
  CHECK(loop.poll(1, pipe.ours.get(), [&told] { told++; }) == 0);
  Fd copy(::dup(pipe.theirs.get()));
  pipe.theirs.reset();
  usleep(20 * 1000);
  CHECK(told == 0);
  std::thread([&copy] { copy.reset(); }).join();
  eventually([&] { return told == 1; });
  // It stays hung up, and is not told of again unless it is asked for.
  usleep(20 * 1000);
  CHECK(told == 1);
  loop.rearm(1, pipe.ours.get());
  eventually([&] { return told == 2; });
  loop.unpoll(1, pipe.ours.get());
}

void pipes_are_given_up_while_their_other_ends_are_closed() {
  Loop loop;
  for (uint64_t i = 1; i <= 200; i++) {
    Pipe pipe;
    // Freed with the poll: the loop's thread must be done with it then.
    auto told = std::make_shared<int>(0);
    CHECK(loop.poll(i, pipe.ours.get(), [told] { ++*told; }) == 0);
    std::thread closing([&pipe] { pipe.theirs.reset(); });
    if (i % 3 == 0) usleep(50);
    loop.unpoll(i, pipe.ours.get());
    closing.join();
    const int after = *told;
    usleep(20);
    CHECK(after <= 1 && *told == after);
  }
}

// Each JavaScript environment has its own, on its own thread.
void many_loops_with_bursts_and_pipes_begin_and_end_beside_each_other() {
  Server server(echo);
  server.start();
  std::vector<std::thread> environments;
  for (int i = 0; i < 4; i++)
    environments.emplace_back([&server] {
      for (int round = 0; round < 20; round++) {
        Pipe pipe;
        std::atomic<int> told{0};
        Outcomes outcomes;
        Memory memory(2, kMaxReply);
        Loop loop;
        CHECK(loop.poll(1, pipe.ours.get(), [&told] { told++; }) == 0);
        CHECK(loop.post(2, std::make_unique<Burst>(memory.lend(server.spec({{1}, {2}})), outcomes.take())) == 0);
        pipe.theirs.reset();
        if (round % 2 == 0) CHECK(outcomes.wait().error == 0);
        if (round % 3 == 0) eventually([&told] { return told == 1; });
      }
    });
  for (auto& environment : environments) environment.join();
}

}  // namespace

Tests loop_tests() {
  return {
      TEST(a_polled_descriptor_is_told_once_each_time_it_is_armed),
      TEST(watchers_come_and_go_while_events_arrive),
      TEST(a_pipe_is_told_of_when_the_last_copy_of_its_other_end_is_closed),
      TEST(pipes_are_given_up_while_their_other_ends_are_closed),
      TEST(many_loops_with_bursts_and_pipes_begin_and_end_beside_each_other),
  };
}
