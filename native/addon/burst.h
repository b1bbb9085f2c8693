// A burst: requests to a SOCK_SEQPACKET server, each on a connection of its own.
//
// The server may be one that serves a single client at a time, blocking (finit's PID 1 is). So a connection is made, written
// and half-closed by three adjacent system calls on a thread with signals blocked, and closed as soon as its answer is there;
// nothing that happens in JavaScript can come in between.
#pragma once

#include <sys/un.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "loop.h"

namespace finit {

// The longest answer that is taken. finit's longest record so far is 22,072 bytes (5.0-dev).
constexpr size_t kMaxReply = 64 * 1024;

struct BurstSpec {
  sockaddr_un address{};
  socklen_t address_length = 0;
  std::vector<std::vector<uint8_t>> requests;
  bool repeat = false;
  std::vector<uint32_t> end_markers;  // pairs: answer length, offset of an int32 that is negative in the last answer
  size_t limit = 0;  // of answers; there is room for so many lengths
  size_t window = 1;
  int64_t timeout_ms = 0;
  // Where the answers go, one behind the other, and their lengths. The caller keeps both until the burst is over, and does not look at
  // them before.
  uint8_t* arena = nullptr;
  size_t arena_size = 0;
  uint32_t* lengths = nullptr;
};

enum class Syscall { none, socket, connect, send, recv, epoll_ctl, pthread_create };

struct BurstOutcome {
  int error = 0;
  Syscall syscall = Syscall::none;
  size_t answers = 0;
};

class Burst : public Task {
 public:
  using Done = std::function<void(BurstOutcome&&)>;
  Burst(BurstSpec&& spec, Done&& done) : spec_(std::move(spec)), done_(std::move(done)) {}

  // Begins on the calling thread and waits there, but for no longer than that. Most bursts are over sooner than another thread
  // would have woken up. True: over, and `done` has been called; false: it goes on as a task of a loop.
  bool attempt(Clock::duration patience);
  // Who is told instead: before it goes on elsewhere.
  void on_done(Done&& done) { done_ = std::move(done); }

  bool start(Loop& loop) override;
  bool ready(Loop& loop, int fd) override;
  bool expired(Loop& loop) override;
  Deadline wake() const override;
  void cancelled() override;

 private:
  void begin();
  bool advance();
  bool fill();
  bool drain();
  enum class Opened { yes, later, failed };
  Opened open(const std::vector<uint8_t>& request);
  bool watch(int fd);
  enum class Received { yes, later, over };
  Received receive();
  enum class Place { within, end, unknown };
  Place place_of(const uint8_t* reply, size_t length) const;
  bool finish(int error, Syscall syscall);

  BurstSpec spec_;
  Done done_;
  std::deque<Fd> open_;  // in the order of the requests, in which they are answered
  Loop* loop_ = nullptr;
  size_t sent_ = 0;
  size_t answers_ = 0;
  size_t used_ = 0;
  bool begun_ = false;
  bool ended_ = false;
  bool backlog_full_ = false;
  Deadline deadline_{};
  Deadline retry_{};
};

}  // namespace finit
