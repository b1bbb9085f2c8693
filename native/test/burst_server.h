// A real SOCK_SEQPACKET server in a thread of its own, and what bursts to it are made with.
#pragma once

#include <poll.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "../addon/burst.h"
#include "../addon/loop.h"
#include "check.h"

using namespace finit;

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
inline Result run(Loop& loop, BurstSpec&& spec, Clock::duration patience, Memory&& memory = Memory()) {
  static uint64_t id = 1000;
  Outcomes outcomes;
  auto burst = std::make_unique<Burst>(memory.lend(std::move(spec)), outcomes.take());
  if (patience == Clock::duration::zero() || !burst->attempt(patience)) CHECK(loop.post(++id, std::move(burst)) == 0);
  Result result{outcomes.wait(), {}};
  result.replies = memory.answers(result.answers);
  return result;
}

// On the loop only; here only; begun here and handed over at once.
inline const Clock::duration kPatiences[] = {Clock::duration::zero(), std::chrono::minutes(1), std::chrono::nanoseconds(1)};

inline bool echo(int fd, const std::vector<uint8_t>& request) {
  return ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) >= 0;
}

// Never answers, and does not read either (that would see the client's SHUT_WR): holds on until the client has closed.
inline bool silent(int fd, const std::vector<uint8_t>&) {
  pollfd closing{fd, POLLHUP, 0};
  while (::poll(&closing, 1, 5000) > 0 && !(closing.revents & POLLHUP)) usleep(100);
  return false;
}
