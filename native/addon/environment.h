// What one JavaScript environment (the main thread's, or a worker's) owns. There is no other state in the addon.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "fd.h"
#include "loop.h"
#include "node_api_cpp.h"

namespace finit {

class Inotify;

// A pipe whose other end somebody else has; `over` is told when that has been closed.
struct Hangup {
  Fd ours;
  Fd theirs;
  Napi::FunctionReference over;
};

class Environment {
 public:
  explicit Environment(Napi::Env env);
  ~Environment();
  static Environment& of(Napi::Env env) { return *env.GetInstanceData<Environment>(); }

  // Runs on the JavaScript thread, from any thread; dropped when the environment is ending.
  using Message = std::function<void(Napi::Env)>;
  void to_javascript(Message&& message);

  // Something is being waited for: the process must not end. Counted; the JavaScript thread only.
  void hold();
  void release();

  Loop& loop() { return *loop_; }
  uint64_t next_id() { return ++last_id_; }

  // A task's and a poll's number on the loop, apart from each other.
  static uint64_t task_id(uint64_t id) { return id << 1; }
  static uint64_t poll_id(uint64_t id) { return id << 1 | 1; }

  std::map<uint64_t, Inotify*> watchers;
  Fd datagram_sender;
  std::map<int, Fd> locks;
  std::map<uint64_t, Hangup> hangups;

 private:
  void end();

  Napi::Env env_;
  napi_threadsafe_function queue_ = nullptr;
  std::unique_ptr<Loop> loop_;
  uint64_t last_id_ = 0;
  size_t held_ = 0;
};

}  // namespace finit
