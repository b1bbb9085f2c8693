#include "burst.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include <algorithm>

namespace finit {

namespace {

// How long to wait before trying again when the listen backlog is full.
constexpr auto kBacklogRetry = std::chrono::milliseconds(2);

// For so long the calling thread looks for an answer again and again before it sleeps.
constexpr auto kSpin = std::chrono::microseconds(150);

// No handler runs, and nothing but SIGSTOP and SIGKILL comes in between, while one of these is there.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

timespec to_timespec(Clock::duration duration) {
  const auto nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count();
  return {static_cast<time_t>(nanoseconds / 1000000000), static_cast<long>(nanoseconds % 1000000000)};
}

}  // namespace

bool Burst::attempt(Clock::duration patience) {
  const SignalsBlocked blocked;
  begin();
  const auto end = std::min(Clock::now() + patience, deadline_);
  if (fill()) return true;
  // Being woken takes longer than most answers do. Whoever shares the processor with us, finit perhaps, gets it meanwhile; first of all,
  // as no answer is there at once.
  for (const auto spin_end = std::min(Clock::now() + kSpin, end); Clock::now() < spin_end;) {
    ::sched_yield();
    if (drain()) return true;
    if (backlog_full_) return false;
  }
  for (;;) {
    const auto left = end - Clock::now();
    if (backlog_full_ || left <= Clock::duration::zero()) return false;
    pollfd front{open_.front().get(), POLLIN, 0};
    const timespec timeout = to_timespec(left);
    if (::ppoll(&front, 1, &timeout, nullptr) == 0) return false;
    if (drain()) return true;
  }
}

void Burst::begin() {
  deadline_ = Clock::now() + std::chrono::milliseconds(spec_.timeout_ms);
  begun_ = true;
}

bool Burst::start(Loop& loop) {
  loop_ = &loop;
  if (!begun_) begin();
  for (const auto& connection : open_)
    if (!watch(connection.get())) return true;
  return advance();
}

Deadline Burst::wake() const { return backlog_full_ ? std::min(retry_, deadline_) : deadline_; }

bool Burst::expired(Loop&) {
  if (Clock::now() >= deadline_) return finish(ETIMEDOUT, backlog_full_ ? Syscall::connect : Syscall::recv);
  return advance();
}

void Burst::cancelled() { finish(ECANCELED, Syscall::none); }

bool Burst::ready(Loop&, int) { return advance(); }

// What follows is done on one thread at a time, and says whether the burst is over.

bool Burst::advance() { return fill() || drain(); }

// Keeps the window full.
bool Burst::fill() {
  backlog_full_ = false;
  while (!ended_ && open_.size() < spec_.window && (spec_.repeat || sent_ < spec_.requests.size())) {
    const auto opened = open(spec_.requests[std::min(sent_, spec_.requests.size() - 1)]);
    if (opened == Opened::failed) return true;
    if (opened == Opened::later) break;
    sent_++;
  }
  return open_.empty() && !backlog_full_ && finish(0, Syscall::none);
}

// Takes answers off the front, in the order of the requests, as far as they are there.
bool Burst::drain() {
  while (!open_.empty()) {
    const auto received = receive();
    if (received == Received::over) return true;
    if (received == Received::later) return false;
    if (fill()) return true;
  }
  return false;
}

Burst::Opened Burst::open(const std::vector<uint8_t>& request) {
  Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    finish(errno, Syscall::socket);
    return Opened::failed;
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&spec_.address);
  // From here to shutdown() the server may already be sitting in read(): nothing but system calls. Without SHUT_WR a
  // server that waits for the client to close would be held by a client that is stopped while it has the answer.
  if (::connect(fd.get(), address, spec_.address_length) != 0) {
    const int error = errno;
    if (error != EAGAIN) {
      finish(error, Syscall::connect);
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
    finish(sent < 0 ? send_error : EMSGSIZE, Syscall::send);
    return Opened::failed;
  }
  open_.push_back(std::move(fd));
  return watch(open_.back().get()) ? Opened::yes : Opened::failed;
}

// False: the burst is over.
bool Burst::watch(int fd) {
  const int error = loop_ == nullptr ? 0 : loop_->arm(*this, fd);
  return error == 0 || !finish(error, Syscall::epoll_ctl);
}

// Takes the front's answer, if it is there.
Burst::Received Burst::receive() {
  const auto failed = [this](int error) {
    finish(error, Syscall::recv);
    return Received::over;
  };
  const size_t room = spec_.arena_size - used_;
  const auto take = [&] {
    return ::recv(open_.front().get(), spec_.arena + used_, room, MSG_DONTWAIT | MSG_TRUNC);
  };
  ssize_t length = take();
  // Linux looks for a message first and for the other end's close then: if both came in between, it says 0 with the message waiting
  // (unix_dgram_recvmsg(), 6.18; seen once in some ten thousand).
  if (length == 0) length = take();
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return Received::later;
  const int error = errno;
  open_.pop_front();
  // What was asked beyond the end is read and dropped rather than left for the server to trip over.
  if (ended_) return Received::yes;
  if (length < 0) return failed(error);
  if (length == 0) return failed(ENODATA);
  const auto size = static_cast<size_t>(length);
  if (size > kMaxReply) return failed(EMSGSIZE);
  if (size > room) return failed(ENOBUFS);
  const auto place = spec_.repeat ? place_of(spec_.arena + used_, size) : Place::within;
  ended_ = place != Place::within;
  if (place == Place::end) return Received::yes;
  // One of unknown length has no end marker that could be seen: it is the last, and the caller's to judge.
  spec_.lengths[answers_++] = static_cast<uint32_t>(size);
  used_ += size;
  if (answers_ < spec_.limit || !spec_.repeat) return Received::yes;
  finish(EOVERFLOW, Syscall::none);
  return Received::over;
}

Burst::Place Burst::place_of(const uint8_t* reply, size_t length) const {
  for (size_t i = 0; i + 1 < spec_.end_markers.size(); i += 2) {
    const size_t offset = spec_.end_markers[i + 1];
    if (length != spec_.end_markers[i] || offset + sizeof(int32_t) > length) continue;
    int32_t value;
    memcpy(&value, reply + offset, sizeof value);
    return value < 0 ? Place::end : Place::within;
  }
  return Place::unknown;
}

// Closes everything and reports, once. Always true: the burst is over.
bool Burst::finish(int error, Syscall syscall) {
  open_.clear();
  if (done_) {
    auto done = std::move(done_);
    done_ = nullptr;
    done({error, syscall, answers_});
  }
  return true;
}

}  // namespace finit
