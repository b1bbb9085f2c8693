#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

// At once, before signals are looked at again.
#define DRAIN 128
// Before a watchdog is said to be missed: what was sent in time may be behind so many others.
#define DRAIN_LAST 8192

struct shim shim;

static int signals_open(void) {
  // Where it is ignored, by whom we have been started with it, the kernel reaps, and nobody is told of an end.
  const struct sigaction usual = {.sa_handler = SIG_DFL};
  if (sigaction(SIGCHLD, &usual, NULL) != 0) fail("SIGCHLD");
  // All of them, also those that a libc keeps for itself. A fault of our own ends us all the same: the kernel forces it.
  uint64_t all = ~UINT64_C(0);
  if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &original_mask, sizeof all) != 0) fail("signal mask");
  const int fd = (int)syscall(SYS_signalfd4, -1, &all, sizeof all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd < 0) fail("signalfd");
  struct epoll_event event = {.events = EPOLLIN, .data.u64 = SOURCE_SIGNALS};
  if (epoll_ctl(shim.epoll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll");
  return fd;
}

static void signals_read(int fd) {
  struct signalfd_siginfo info;
  for (;;) {
    const ssize_t length = read(fd, &info, sizeof info);
    if (length < 0 && errno == EINTR) continue;
    if (length != sizeof info) return;
    // SIGPIPE and SIGXFSZ of our own writes are not the service's.
    if (info.ssi_code == SI_USER && info.ssi_pid == (uint32_t)shim.pid) continue;
    supervise_signal((int)info.ssi_signo, info.ssi_code, info.ssi_int);
  }
}

// 0, 1 and 2 have to be there, or the next descriptors would take their place.
static void standard_descriptors(void) {
  int fd;
  do {
    fd = open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd < 3);
  if (fd >= 3) close(fd);
}

static void name_itself(void) {
  static char own[24];
  const char *identity = getenv("SERVICE_IDENT");
  if (options.identity) return;
  if (identity && *identity && strnlen(identity, IDENTITY_MAX + 1) <= IDENTITY_MAX) {
    options.identity = identity;
    return;
  }
  snprintf(own, sizeof own, "pid-%d", (int)shim.pid);
  options.identity = own;
}

// In milliseconds for epoll, rounded up: too early would be one wake-up more.
static int pause_until(int64_t due) {
  if (due == NEVER) return -1;
  const int64_t left = due - clock_monotonic();
  if (left <= 0) return 0;
  return left > INT64_C(1000) * INT32_MAX - 1000 ? INT32_MAX : (int)((left + 999) / 1000);
}

int main(int argc, char **argv) {
  (void)argc;
  options_parse(argv);
  standard_descriptors();
  shim.pid = getpid();
  shim.now = clock_monotonic();
  shim.main_pidfd = -1;
  shim.watchdog_due = shim.phase_due = shim.reload_due = shim.restart_due = shim.status_due = shim.uplink_due = NEVER;
  name_itself();
  shim.epoll = epoll_create1(EPOLL_CLOEXEC);
  if (shim.epoll < 0) fail("epoll");
  const int signals = signals_open();
  process_prepare();
  store_open();
  uplink_open();
  listen_open();
  inbox_open();
  supervise_start();
  while (shim.state != STATE_EXITED) {
    struct epoll_event events[8];
    // Deadlines come after what has been said in time: we may have been stopped for longer than they are.
    const int count = epoll_wait(shim.epoll, events, 8, pause_until(supervise_next()));
    if (count < 0 && errno != EINTR) fail("epoll");
    shim.now = clock_monotonic();
    // In front of the signals: what an ended process has said comes before its end.
    (void)inbox_drain(DRAIN);
    for (int i = 0; i < count; i++) {
      const uint64_t source = events[i].data.u64;
      if ((source & 0xff) == SOURCE_SIGNALS) signals_read(signals);
      if ((source & 0xff) == SOURCE_MAIN) process_main_gone();
      if ((source & 0xff) == SOURCE_STORED) store_hung_up(source);
    }
    if (shim.watchdog_due <= shim.now || shim.phase_due <= shim.now) (void)inbox_drain(DRAIN_LAST);
    supervise_deadlines();
  }
  status_write();
  listen_remove();
  process_end_as(shim.wait_status);
}
