#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc_stat.h"

uint64_t original_mask;

static struct user user = {.uid = (uid_t)-1, .gid = (gid_t)-1};

uid_t process_uid(void) { return user.uid; }
gid_t process_gid(void) { return user.gid; }

void process_prepare(void) {
  // What the service leaves behind comes to us, not to PID 1.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) fail("PR_SET_CHILD_SUBREAPER");
  if (options.user) user_find(&user);
}

static _Noreturn void child_fails(const char *what) {
  log_line("%s: %s", what, strerror(errno));
  _exit(EXIT_SHIM);
}

// What is passed has to be 3, 4, 5 ...; what is there now, of ours or inherited, may be in the way of itself.
static int pass_descriptors(void) {
  int from[MAX_LISTENERS + MAX_STORED];
  int count = 0;
  for (int i = 0; i < options.listener_count; i++) from[count++] = options.listeners[i].fd;
  for (int i = 0; i < MAX_STORED; i++)
    if (stored[i] >= 0) from[count++] = stored[i];
  for (int i = 0; i < count; i++) {
    from[i] = fcntl(from[i], F_DUPFD_CLOEXEC, 3 + count);
    if (from[i] < 0) child_fails("descriptors for the service");
  }
  for (int i = 0; i < count; i++)
    if (dup2(from[i], 3 + i) < 0) child_fails("descriptors for the service");
  return count;
}

static void harden(void) {
  if (options.umask >= 0) umask((mode_t)options.umask);
  for (int i = 0; i < options.rlimit_count; i++)
    if (setrlimit(options.rlimits[i].resource, &options.rlimits[i].limit) != 0) child_fails("--rlimit");
  if (options.has_oom) {
    char text[16];
    const int length = snprintf(text, sizeof text, "%d", options.oom);
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, text, (size_t)length) != length) child_fails("--oom-score-adj");
    close(fd);
  }
  if (options.has_nice && setpriority(PRIO_PROCESS, 0, options.nice) != 0) child_fails("--nice");
  if (user.uid != (uid_t)-1) {
    if (setgroups((size_t)user.group_count, user.groups) != 0) child_fails("--user: groups");
    if (setgid(user.gid) != 0 || setuid(user.uid) != 0) child_fails("--user");
  }
  if (options.no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) child_fails("--no-new-privs");
}

static _Noreturn void become(char **command) {
  // After the change of user, which takes it back. Had we ended before, nobody would tell us.
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) child_fails("PR_SET_PDEATHSIG");
  if (getppid() != shim.pid) _exit(EXIT_SHIM);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &original_mask, NULL, sizeof original_mask);
  execvp(*command, command);
  const int error = errno;
  log_line("%s cannot be run: %s", *command, strerror(error));
  _exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

bool process_spawn(void) {
  const pid_t pid = fork();
  if (pid < 0 && shim.restarts == 0) fail("fork");
  if (pid < 0) return false;
  if (pid == 0) {
    char *room[environment_size()];
    environment_for_service(room, pass_descriptors(), &user);
    harden();
    become(options.command);
  }
  shim.main = pid;
  shim.main_is_child = true;
  shim.main_since = clock_real();
  shim.main_started = clock_monotonic();
  return true;
}

void process_spawn_control(const char *command) {
  const pid_t pid = fork();
  if (pid < 0) {
    log_line("--reload-command: %s", strerror(errno));
    return;
  }
  if (pid == 0) {
    char *room[environment_size()];
    environment_for_control(room);
    harden();
    become((char *[]){"/bin/sh", "-c", (char *)command, NULL});
  }
  shim.control = pid;
}

static void forget_pidfd(void) {
  if (shim.main_pidfd < 0) return;
  // A child of ours may still have it, until it is another program: only the last close takes it out of epoll.
  (void)epoll_ctl(shim.epoll, EPOLL_CTL_DEL, shim.main_pidfd, NULL);
  close(shim.main_pidfd);
  shim.main_pidfd = -1;
}

void process_reap(void) {
  for (;;) {
    int status;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) break;
    // It may be both: who runs the reload may call itself the main process.
    const bool was_control = pid == shim.control;
    if (was_control) shim.control = 0;
    if (pid == shim.main) {
      forget_pidfd();
      shim.main = 0;
      supervise_main_ended(status);
    }
    if (was_control) supervise_control_ended(status);
  }
  supervise_children_changed();
}

void process_signal_main(int signal, int code, int value) {
  if (shim.main == 0) return;
  if (!shim.main_is_child) {
    if (syscall(SYS_pidfd_send_signal, shim.main_pidfd, signal, NULL, 0) != 0 && errno != ESRCH)
      log_line("signal %d to the service: %s", signal, strerror(errno));
    return;
  }
  // It is our child, and we have not reaped it: the pid is its own.
  const int result = code == SI_QUEUE ? sigqueue(shim.main, signal, (union sigval){.sival_int = value}) : kill(shim.main, signal);
  if (result != 0) log_line("signal %d to the service: %s", signal, strerror(errno));
}

// 0 when it is gone.
static pid_t parent_of(pid_t pid) {
  char path[32], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t length = read(fd, text, sizeof text);
  close(fd);
  uint64_t parent;
  return length > 0 && stat_field((struct text){text, (size_t)length}, STAT_PARENT, INT32_MAX, &parent) ? (pid_t)parent : 0;
}

bool process_is_descendant(pid_t pid) {
  for (int depth = 0; depth < 64 && pid > 1; depth++) {
    pid = parent_of(pid);
    if (pid == shim.pid) return true;
  }
  return false;
}

bool process_adopt_main(pid_t pid) {
  if (pid == shim.main) return true;
  siginfo_t info;
  // A thread has a parent in /proc too, but nobody is told of its end.
  const bool is_child = waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  if (!is_child && !process_is_descendant(pid)) return false;
  int pidfd = -1;
  if (!is_child) {
    pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0) return false;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = SOURCE_MAIN};
    if (epoll_ctl(shim.epoll, EPOLL_CTL_ADD, pidfd, &event) != 0) {
      close(pidfd);
      return false;
    }
  }
  forget_pidfd();
  shim.main_pidfd = pidfd;
  shim.main = pid;
  shim.main_is_child = pidfd < 0;
  shim.main_since = clock_real();
  return true;
}

void process_main_gone(void) {
  // What has been said may have made it another process than the one whose end epoll had told.
  struct pollfd ended = {.fd = shim.main_pidfd, .events = POLLIN};
  if (poll(&ended, 1, 0) != 1) return;
  forget_pidfd();
  // Its parent may have ended in between: then it is ours, and tells how it ended.
  int status = 0;
  if (waitpid(shim.main, &status, WNOHANG) != shim.main) status = 0;
  shim.main = 0;
  supervise_main_ended(status);
}

// Calls for each process in /proc until one says true.
static bool each_process(bool (*call)(pid_t pid, int argument), int argument) {
  struct entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
  };
  static char buffer[4096] __attribute__((aligned(8)));
  const int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  bool found = false;
  long length;
  while (!found && (length = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; !found && at < length;) {
      const struct entry *entry = (const struct entry *)(buffer + at);
      uint64_t pid;
      if (number_parse((struct text){entry->name, strlen(entry->name)}, INT32_MAX, &pid)) found = call((pid_t)pid, argument);
      at += entry->length;
    }
  }
  close(fd);
  return found;
}

static bool signal_descendant(pid_t pid, int signal) {
  if (pid != shim.pid && process_is_descendant(pid)) (void)kill(pid, signal);
  return false;
}

void process_signal_tree(int signal) { (void)each_process(signal_descendant, signal); }

bool process_any_left(void) {
  siginfo_t info;
  return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void process_end_as(int wait_status) {
  if (!WIFSIGNALED(wait_status)) _exit(WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  // The core is the service's, and written already.
  const struct rlimit none = {0, 0};
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  struct sigaction action = {.sa_handler = SIG_DFL};
  (void)sigaction(signal, &action, NULL);
  const uint64_t open_mask = 0;
  (void)kill(shim.pid, signal);
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &open_mask, NULL, sizeof open_mask);
  _exit(128 + signal);
}
