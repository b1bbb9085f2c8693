#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>

namespace finit {

namespace {

// What epoll gives back: whose descriptor it is (the upper bits) and which. Ids, not pointers: an event may have been
// fetched just before its owner went away.
constexpr uint64_t kWakeup = 0;
constexpr unsigned kFdBits = 24;
constexpr uint64_t kFdMask = (uint64_t{1} << kFdBits) - 1;

uint64_t pack(uint64_t id, int fd) { return id << kFdBits | (static_cast<uint64_t>(fd) & kFdMask); }

}  // namespace

Loop::~Loop() {
  if (started_) {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    notify();
    pthread_join(thread_, nullptr);
  }
}

int Loop::ensure_started() {
  if (started_) return 0;
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return errno;
  Fd wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup) return errno;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeup;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wakeup.get(), &event) != 0) return errno;
  epoll_ = std::move(epoll);
  wakeup_ = std::move(wakeup);
  // The thread inherits this mask: no signal handler ever runs on it, and no signal delays it between two system calls.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int error = pthread_create(&thread_, nullptr, &Loop::entry, this);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  started_ = error == 0;
  if (started_) pthread_setname_np(thread_, "node-finit");
  return error;
}

void* Loop::entry(void* self) {
  static_cast<Loop*>(self)->run();
  return nullptr;
}

void Loop::notify() {
  const uint64_t one = 1;
  // EAGAIN: the counter is full, so a wake-up is pending anyway.
  [[maybe_unused]] const ssize_t written = ::write(wakeup_.get(), &one, sizeof one);
}

int Loop::post(uint64_t id, std::unique_ptr<Task> task) {
  {
    std::lock_guard lock(mutex_);
    const int error = ensure_started();
    if (error != 0) return error;
    pending_.emplace_back(id, std::move(task));
  }
  notify();
  return 0;
}

void Loop::cancel(uint64_t id) {
  {
    std::lock_guard lock(mutex_);
    if (!started_) return;
    cancelled_.push_back(id);
  }
  notify();
}

int Loop::poll(uint64_t id, int fd, std::function<void()> readable) {
  std::lock_guard lock(mutex_);
  const int error = ensure_started();
  if (error != 0) return error;
  polls_[id] = std::move(readable);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = pack(id, fd);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  const int failed = errno;
  polls_.erase(id);
  return failed;
}

void Loop::rearm(uint64_t id, int fd) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLONESHOT;
  event.data.u64 = pack(id, fd);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::unpoll(uint64_t id, int fd) {
  std::lock_guard lock(mutex_);
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  polls_.erase(id);
}

int Loop::arm(Task&, int fd) {
  epoll_event event{};
  // Edges: one that is not its turn to be read yet must not keep us awake.
  event.events = EPOLLIN | EPOLLET;
  event.data.u64 = pack(current_, fd);
  // Closing the descriptor takes it out again.
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : errno;
}

// Starts what was posted and ends what was cancelled since the last time.
void Loop::admit() {
  std::vector<std::pair<uint64_t, std::unique_ptr<Task>>> pending;
  std::vector<uint64_t> cancelled;
  {
    std::lock_guard lock(mutex_);
    pending.swap(pending_);
    cancelled.swap(cancelled_);
  }
  for (auto& [id, task] : pending) {
    // Cancelled before it began: nobody is to see a connection of it.
    if (std::find(cancelled.begin(), cancelled.end(), id) != cancelled.end()) {
      task->cancelled();
      continue;
    }
    current_ = id;
    if (!task->start(*this)) tasks_[id] = std::move(task);
  }
  for (const uint64_t id : cancelled) {
    const auto found = tasks_.find(id);
    if (found == tasks_.end()) continue;
    found->second->cancelled();
    tasks_.erase(found);
  }
}

void Loop::dispatch(uint64_t id, int fd) {
  const auto task = tasks_.find(id);
  if (task != tasks_.end()) {
    current_ = id;
    if (task->second->ready(*this, fd)) tasks_.erase(task);
    return;
  }
  // Called with the lock held, so that after unpoll() nothing of it is called any more. It only queues a message.
  std::lock_guard lock(mutex_);
  const auto poll = polls_.find(id);
  if (poll != polls_.end()) poll->second();
}

void Loop::run() {
  for (;;) {
    int timeout = -1;
    const auto now = Clock::now();
    for (const auto& [id, task] : tasks_) {
      // Rounded up: waking early would only mean waking twice.
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(task->wake() - now).count();
      const int wait = left <= 0 ? 0 : left > INT_MAX ? INT_MAX : static_cast<int>(left);
      if (timeout < 0 || wait < timeout) timeout = wait;
    }
    epoll_event events[32];
    const int count = ::epoll_wait(epoll_.get(), events, 32, timeout);
    bool woken = false;
    for (int i = 0; i < count; i++) {
      if (events[i].data.u64 == kWakeup) {
        woken = true;
      } else {
        dispatch(events[i].data.u64 >> kFdBits, static_cast<int>(events[i].data.u64 & kFdMask));
      }
    }
    const auto after = Clock::now();
    for (auto task = tasks_.begin(); task != tasks_.end();) {
      current_ = task->first;
      if (task->second->wake() <= after && task->second->expired(*this)) {
        task = tasks_.erase(task);
      } else {
        ++task;
      }
    }
    if (woken) {
      uint64_t drained;
      [[maybe_unused]] const ssize_t taken = ::read(wakeup_.get(), &drained, sizeof drained);
      {
        std::lock_guard lock(mutex_);
        if (stop_) break;
      }
      admit();
    }
  }
  // With the environment gone nobody waits for a result; destroying the tasks closes their connections.
  tasks_.clear();
  std::lock_guard lock(mutex_);
  pending_.clear();
}

}  // namespace finit
