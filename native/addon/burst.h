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

struct BurstSpec {
  sockaddr_un address{};
  socklen_t address_length = 0;
  std::vector<std::vector<uint8_t>> requests;
  bool repeat = false;
  std::vector<uint32_t> end_markers;  // pairs: answer length, offset of an int32 that is negative in the last answer
  size_t limit = 0;
  size_t window = 1;
  int64_t timeout_ms = 0;
};

struct BurstOutcome {
  int error = 0;
  const char* syscall = "";
  std::vector<std::vector<uint8_t>> replies;
};

class Burst : public Task {
 public:
  using Done = std::function<void(BurstOutcome&&)>;
  Burst(BurstSpec&& spec, Done&& done) : spec_(std::move(spec)), done_(std::move(done)) {}

  bool start(Loop& loop) override;
  bool ready(Loop& loop, int fd) override;
  bool expired(Loop& loop) override;
  Deadline wake() const override;
  void cancelled() override;

 private:
  struct Connection {
    Fd fd;
    bool answered = false;
    std::vector<uint8_t> reply;
  };

  bool advance(Loop& loop);
  enum class Opened { yes, later, failed };
  Opened open(Loop& loop, const std::vector<uint8_t>& request);
  bool receive(Connection& connection);
  enum class Place { within, end, unknown };
  Place place_of(const std::vector<uint8_t>& reply) const;
  bool finish(int error, const char* syscall);

  BurstSpec spec_;
  Done done_;
  BurstOutcome outcome_;
  std::deque<Connection> open_;
  size_t sent_ = 0;
  bool ended_ = false;
  bool backlog_full_ = false;
  Deadline deadline_{};
  Deadline retry_{};
};

}  // namespace finit
