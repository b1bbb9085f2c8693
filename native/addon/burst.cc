#include "burst.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>

namespace finit {

namespace {

// The longest answer that is taken. finit's longest record so far is 22,072 bytes (5.0-dev).
constexpr size_t kMaxReply = 64 * 1024;

// How long to wait before trying again when the listen backlog is full.
constexpr auto kBacklogRetry = std::chrono::milliseconds(2);

}  // namespace

bool Burst::start(Loop& loop) {
  deadline_ = Clock::now() + std::chrono::milliseconds(spec_.timeout_ms);
  return advance(loop);
}

Deadline Burst::wake() const { return backlog_full_ ? std::min(retry_, deadline_) : deadline_; }

bool Burst::expired(Loop& loop) {
  if (Clock::now() >= deadline_) return finish(ETIMEDOUT, backlog_full_ ? "connect" : "recv");
  backlog_full_ = false;
  return advance(loop);
}

void Burst::cancelled() { finish(ECANCELED, ""); }

bool Burst::ready(Loop& loop, int fd) {
  auto connection = std::find_if(open_.begin(), open_.end(), [fd](const Connection& c) { return c.fd.get() == fd; });
  if (connection == open_.end()) return false;
  if (!receive(*connection)) return true;
  return advance(loop);
}

// Takes answers off the front, in the order of the requests, and keeps the window full.
bool Burst::advance(Loop& loop) {
  while (!open_.empty() && open_.front().answered) {
    auto reply = std::move(open_.front().reply);
    open_.pop_front();
    // What was asked beyond the end is read and dropped rather than left for the server to trip over.
    if (ended_) continue;
    const auto place = spec_.repeat ? place_of(reply) : Place::within;
    ended_ = place != Place::within;
    if (place == Place::end) continue;
    // One of unknown length has no end marker that could be seen: it is the last, and the caller's to judge.
    outcome_.replies.push_back(std::move(reply));
    if (spec_.repeat && outcome_.replies.size() >= spec_.limit) return finish(EOVERFLOW, "");
  }
  while (!ended_ && open_.size() < spec_.window && (spec_.repeat || sent_ < spec_.requests.size())) {
    const auto opened = open(loop, spec_.requests[std::min(sent_, spec_.requests.size() - 1)]);
    if (opened == Opened::failed) return true;
    if (opened == Opened::later) return false;
    sent_++;
  }
  return open_.empty() ? finish(0, "") : false;
}

Burst::Opened Burst::open(Loop& loop, const std::vector<uint8_t>& request) {
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    finish(errno, "socket");
    return Opened::failed;
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&spec_.address);
  // From here to shutdown() the server may already be sitting in read(): nothing but system calls. Without SHUT_WR a
  // server that waits for the client to close would be held by a client that is stopped while it has the answer.
  if (::connect(fd.get(), address, spec_.address_length) != 0) {
    const int error = errno;
    if (error != EAGAIN) {
      finish(error, "connect");
      return Opened::failed;
    }
    // The backlog is full. Our own connections in it make room as they are answered; others' only with time.
    if (open_.empty()) {
      backlog_full_ = true;
      retry_ = Clock::now() + kBacklogRetry;
    }
    return Opened::later;
  }
  const ssize_t sent = ::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  const int send_error = errno;
  ::shutdown(fd.get(), SHUT_WR);
  if (sent != static_cast<ssize_t>(request.size())) {
    finish(sent < 0 ? send_error : EMSGSIZE, "send");
    return Opened::failed;
  }
  const int error = loop.arm(*this, fd.get());
  if (error != 0) {
    finish(error, "epoll_ctl");
    return Opened::failed;
  }
  open_.push_back(Connection{std::move(fd), false, {}});
  return Opened::yes;
}

// False: the burst is over.
bool Burst::receive(Connection& connection) {
  // One buffer for the thread: an answer is copied out at its true length.
  static thread_local uint8_t buffer[kMaxReply];
  const ssize_t length = ::recv(connection.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT | MSG_TRUNC);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  const int error = errno;
  connection.fd.reset();
  if (ended_) {
    connection.answered = true;
    return true;
  }
  if (length < 0) return !finish(error, "recv");
  if (length == 0) return !finish(ENODATA, "recv");
  if (static_cast<size_t>(length) > sizeof buffer) return !finish(EMSGSIZE, "recv");
  connection.reply.assign(buffer, buffer + length);
  connection.answered = true;
  return true;
}

Burst::Place Burst::place_of(const std::vector<uint8_t>& reply) const {
  for (size_t i = 0; i + 1 < spec_.end_markers.size(); i += 2) {
    const size_t offset = spec_.end_markers[i + 1];
    if (reply.size() != spec_.end_markers[i] || offset + sizeof(int32_t) > reply.size()) continue;
    int32_t value;
    memcpy(&value, reply.data() + offset, sizeof value);
    return value < 0 ? Place::end : Place::within;
  }
  return Place::unknown;
}

// Closes everything and reports, once. Always true: the task is over.
bool Burst::finish(int error, const char* syscall) {
  open_.clear();
  if (done_) {
    outcome_.error = error;
    outcome_.syscall = syscall;
    auto done = std::move(done_);
    done_ = nullptr;
    done(std::move(outcome_));
  }
  return true;
}

}  // namespace finit
