// One thread with one epoll descriptor: what has to wait for PID 1 waits here, never on Node's thread pool.
// Knows nothing of Node and nothing of finit.
#pragma once

#include <pthread.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "fd.h"

namespace finit {

using Clock = std::chrono::steady_clock;
using Deadline = Clock::time_point;

class Loop;

// Something that lives on the loop's thread. All its functions are called there, and there only.
class Task {
 public:
  virtual ~Task() = default;
  // First call. Returning true: done, drop it.
  virtual bool start(Loop& loop) = 0;
  // A descriptor given to Loop::arm() is readable (or has hung up).
  virtual bool ready(Loop& loop, int fd) = 0;
  // The time returned by wake() has come.
  virtual bool expired(Loop& loop) = 0;
  // When it wants to be woken at the latest.
  virtual Deadline wake() const = 0;
  // Ended from outside: by Loop::cancel(), or with the loop.
  virtual void cancelled() = 0;
};

class Loop {
 public:
  Loop() = default;
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Any thread. 0, or an errno when the thread could not be started (then the task was not taken).
  int post(uint64_t id, std::unique_ptr<Task> task);
  void cancel(uint64_t id);

  // Any thread. Calls `readable` once, on the loop's thread, as soon as fd is readable; the caller keeps owning fd.
  int poll(uint64_t id, int fd, std::function<void()> readable);
  void rearm(uint64_t id, int fd);
  void unpoll(uint64_t id, int fd);

  // The loop's thread only, for a task's own descriptors.
  int arm(Task& task, int fd);

 private:
  int ensure_started();
  void notify();
  void run();
  void admit();
  void dispatch(uint64_t key, int fd);
  static void* entry(void* self);

  std::mutex mutex_;  // guards what other threads touch: pending_, cancelled_, polls_, stop_
  std::vector<std::pair<uint64_t, std::unique_ptr<Task>>> pending_;
  std::vector<uint64_t> cancelled_;
  std::map<uint64_t, std::function<void()>> polls_;
  bool stop_ = false;
  bool started_ = false;

  std::map<uint64_t, std::unique_ptr<Task>> tasks_;  // the loop's thread only
  uint64_t current_ = 0;

  Fd epoll_;
  Fd wakeup_;
  pthread_t thread_{};
};

}  // namespace finit
