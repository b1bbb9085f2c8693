
#include "shim.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

// For a service of which is not known whether it says READY=1 after a SIGHUP.
#define RELOAD_GRACE 500000
// So many processes in a row that end before they have been ready, then finit shall count on.
#define SHORT_LIVES 10
// Who has been there for so long was no short life, ready or not.
#define LONG_LIFE 10000000
#define KILL_AGAIN 50000
// There are too many processes: others may end.
#define FORK_AGAIN 1000000
// A service that gets ready, and ends at once, over and over, is not all that there is to do.
#define LEAST_LIFE 100000

static bool stop_asked, restart_asked, leaving, leaving_restarts, tree_killed;
static bool reload_pending;    // SIGHUP has come, and finit waits for READY=1
static bool reloading_said;    // RELOADING=1 since then
static bool speaks_reload;     // has said something of its reload once
static bool control_again;     // --reload-command has to run once more
static bool reload_asked;      // this process has been told to reload, and has said nothing of it yet
static int stop_signal;
static enum state before_reload;

static void enter(enum state state) {
  if (shim.state != state) {
    shim.state = state;
    shim.since = clock_real();
  }
  status_changed(true);
}

static bool is_ending(void) { return shim.state == STATE_STOPPING || shim.state == STATE_ABORTING || shim.state == STATE_RESTARTING; }

static void arm_watchdog(void) { shim.watchdog_due = is_ending() ? NEVER : later(shim.now, shim.watchdog); }

static void finish(void) {
  shim.has_ended = true;
  enter(STATE_EXITED);
}

static void start_service(void) {
  shim.ready = false;
  shim.status_length = 0;
  shim.error = 0;
  shim.watchdog = options.watchdog;
  shim.access = options.access;
  shim.watchdog_due = shim.reload_due = shim.restart_due = NEVER;
  reload_pending = reloading_said = reload_asked = restart_asked = control_again = false;
  if (!process_spawn()) {
    log_line("%s: cannot be restarted now: %s", options.identity, strerror(errno));
    if (++shim.short_lives >= SHORT_LIVES)
      finish();
    else
      shim.restart_due = later(shim.now, FORK_AGAIN);
    return;
  }
  shim.since = clock_real();
  shim.phase_due = later(shim.now, options.start_timeout);
  enter(STATE_STARTING);
}

void supervise_start(void) {
  shim.watchdog_margin = NEVER;
  if (options.ready_listening) uplink_ready();
  start_service();
}

static const char *last_status(void) {
  static char text[STATUS_TEXT_MAX + 32];
  if (shim.status_length == 0) return "";
  snprintf(text, sizeof text, " Its last status: %.*s", (int)shim.status_length, shim.status);
  return text;
}

static void abort_service(int signal, const char *why, int64_t time) {
  char name[16];
  char after[48] = "";
  if (time != NEVER) snprintf(after, sizeof after, " for %lld.%03lld s", (long long)(time / 1000000), (long long)(time / 1000 % 1000));
  log_line("%s: %s%s, %s follows.%s", options.identity, why, after, signal_text(signal, name), last_status());
  shim.watchdog_due = shim.reload_due = NEVER;
  reload_pending = false;
  shim.phase_due = later(shim.now, options.abort_timeout);
  process_signal_main(signal, SI_USER, 0);
  // It may be stopped, and would not see it.
  process_signal_main(SIGCONT, SI_USER, 0);
  enter(STATE_ABORTING);
}

static void reload_done(void) {
  reload_pending = false;
  shim.reload_due = NEVER;
  if (shim.state == STATE_RELOADING) enter(before_reload);
  uplink_ready();
}

// A word after a SIGHUP, however late: the next time it is waited for longer. READY=1 at the end of the start is none.
static void on_word(void) {
  if (reload_asked && shim.state != STATE_STARTING) speaks_reload = true;
  reload_asked = false;
}

static void on_ready(void) {
  // Said too late, or by one whose main process is gone.
  if (is_ending()) return;
  shim.ready = true;
  shim.short_lives = 0;
  on_word();
  reload_pending = false;
  shim.reload_due = NEVER;
  shim.phase_due = NEVER;
  if (shim.watchdog_due == NEVER) arm_watchdog();
  enter(STATE_READY);
  uplink_ready();
}

static void on_reloading(void) {
  // Who has never been ready reloads nothing that anybody waits for, and finit is told nothing in its name.
  if (is_ending() || shim.state == STATE_STARTING) return;
  on_word();
  reloading_said = true;
  if (shim.state != STATE_RELOADING) before_reload = shim.state;
  shim.ready = false;
  shim.reload_due = later(shim.now, options.reload_timeout);
  enter(STATE_RELOADING);
  char text[64];
  snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\n", (long long)clock_monotonic());
  uplink_say(text);
}

static void on_ping(void) {
  // It may be read after its time, when we have been stopped or there was much before it.
  const int64_t left = shim.watchdog_due < shim.now ? 0 : shim.watchdog_due - shim.now;
  if (shim.watchdog_due != NEVER && left < shim.watchdog_margin) shim.watchdog_margin = left;
  // A service that pings has started, as far as listening is concerned.
  if (options.ready_listening && shim.state == STATE_STARTING) shim.phase_due = NEVER;
  arm_watchdog();
  status_changed(false);
}

static void at_least(int64_t *due, int64_t time) {
  if (*due != NEVER && *due < time) *due = time;
}

static void on_extend(uint64_t microseconds) {
  const int64_t time = later(shim.now, microseconds > INT64_MAX / 2 ? NEVER : (int64_t)microseconds);
  at_least(&shim.phase_due, time);
  at_least(&shim.reload_due, time);
  at_least(&shim.watchdog_due, time);
  status_changed(false);
}

static void on_status(struct text text) {
  size_t length = text.length < STATUS_TEXT_MAX ? text.length : STATUS_TEXT_MAX;
  // Not in the middle of a character.
  if (length < text.length)
    while (length > 0 && ((unsigned char)text.bytes[length] & 0xc0) == 0x80) length--;
  if (length == shim.status_length && memcmp(shim.status, text.bytes, length) == 0) return;
  memcpy(shim.status, text.bytes, length);
  shim.status_length = length;
  status_changed(false);
  char line[STATUS_TEXT_MAX + 16];
  snprintf(line, sizeof line, "STATUS=%.*s\n", (int)length, shim.status);
  uplink_say(line);
}

void supervise_message(const struct message *message, pid_t sender, int *fds, int fd_count) {
  if (message->has_main && message->main != shim.main && shim.main != 0) {
    if (process_adopt_main(message->main))
      status_changed(true);
    else
      log_line("%s: MAINPID=%d from process %d is none of its processes", options.identity, (int)message->main, (int)sender);
  }
  if (message->has_access) shim.access = message->access;
  if (message->has_status) on_status(message->status);
  if (message->has_errno && shim.error != message->error) {
    shim.error = message->error;
    status_changed(false);
  }
  if (message->has_watchdog) {
    // 0 turns it off, and so does what is too long to come.
    shim.watchdog = message->watchdog == 0 || message->watchdog > INT64_MAX / 2 ? NEVER : (int64_t)message->watchdog;
    shim.watchdog_margin = NEVER;
    arm_watchdog();
    status_changed(false);
  }
  if (message->reloading) on_reloading();
  if (message->ready) on_ready();
  if (message->ping) on_ping();
  if (message->has_extend) on_extend(message->extend);
  if (message->stopping && !is_ending()) {
    shim.ready = false;
    shim.watchdog_due = shim.reload_due = NEVER;
    reload_pending = false;
    shim.phase_due = later(shim.now, options.stop_timeout);
    enter(STATE_STOPPING);
    uplink_say("STOPPING=1\n");
  }
  if (message->unstore) store_remove(message->fdname);
  if (message->store) store_add(message->fdname, !message->no_poll, fds, fd_count);
  if (message->store || message->unstore) status_changed(false);
  if (message->trigger && !is_ending()) {
    shim.watchdog_missed++;
    abort_service(options.watchdog_signal, "has asked for its end by WATCHDOG=trigger", NEVER);
  }
}

static void stop(int signal, int code, int value) {
  if (shim.state == STATE_EXITED) return;
  // Who asks again does not put off the end.
  const bool again = stop_asked;
  stop_asked = true;
  stop_signal = signal;
  shim.watchdog_due = shim.reload_due = NEVER;
  reload_pending = false;
  if (shim.main == 0) {
    shim.restart_due = NEVER;
    if (leaving) {
      leaving_restarts = false;
    } else {
      shim.wait_status = signal;  // as a wait status, death by it
      shim.has_ended = true;
      enter(STATE_EXITED);
    }
    return;
  }
  process_signal_main(signal, code, value);
  if (shim.state == STATE_ABORTING || again) return;
  shim.phase_due = later(shim.now, options.stop_timeout);
  shim.ready = false;
  enter(STATE_STOPPING);
}

static void reload(int code, int value) {
  if (shim.main == 0 || is_ending()) return;
  if (options.reload_restart) {
    restart_asked = true;
    shim.watchdog_due = NEVER;
    shim.phase_due = later(shim.now, options.stop_timeout == NEVER ? options.abort_timeout : options.stop_timeout);
    enter(STATE_RESTARTING);
    process_signal_main(SIGTERM, SI_USER, 0);
    process_signal_main(SIGCONT, SI_USER, 0);
    return;
  }
  // Who is still starting says READY=1 at the end of that; only finit, which has been told already, has to be told again.
  if (shim.state != STATE_STARTING || uplink_announced()) {
    reload_pending = reload_asked = true;
    reloading_said = false;
    shim.reload_due = later(shim.now, speaks_reload || options.reload_command ? options.reload_timeout : RELOAD_GRACE);
  }
  if (shim.state == STATE_READY) {
    before_reload = shim.state;
    enter(STATE_RELOADING);
  }
  if (!options.reload_command)
    process_signal_main(SIGHUP, code, value);
  else if (shim.control == 0)
    process_spawn_control(options.reload_command);
  else
    control_again = true;
}

void supervise_signal(int signal, int code, int value) {
  if (options.stop_signals & signal_bit(signal)) {
    stop(signal, code, value);
    return;
  }
  switch (signal) {
    case SIGCHLD: process_reap(); return;
    case SIGHUP: reload(code, value); return;
    default: process_signal_main(signal, code, value);
  }
}

static void restart_or_finish(bool restart) {
  if (!restart || stop_asked) {
    finish();
    return;
  }
  // At once, the first times; then slower and slower.
  int64_t pause = shim.short_lives < 3 ? 0 : INT64_C(100000) << (shim.short_lives - 3);
  if (shim.short_lives == 0 && !restart_asked && shim.now - shim.main_started < LEAST_LIFE) pause = LEAST_LIFE;
  shim.restarts++;
  shim.restart_due = later(shim.now, pause);
  enter(STATE_RESTARTING);
}

void supervise_main_ended(int wait_status) {
  shim.wait_status = wait_status;
  shim.watchdog_due = shim.phase_due = shim.reload_due = NEVER;
  // A reload may still be owed to finit: the next process's READY=1 is it.
  reload_pending = false;
  bool restart = (options.keep_alive || restart_asked) && !stop_asked;
  if (restart && !restart_asked) {
    char name[16];
    if (WIFSIGNALED(wait_status))
      log_line("%s: process ended by %s, restarted here.%s", options.identity, signal_text(WTERMSIG(wait_status), name), last_status());
    else
      log_line("%s: process ended with status %d, restarted here.%s", options.identity, WEXITSTATUS(wait_status), last_status());
    if (!shim.ready && shim.now - shim.main_started < LONG_LIFE && ++shim.short_lives >= SHORT_LIVES) {
      log_line("%s: %d processes in a row ended before they were ready: given up", options.identity, SHORT_LIVES);
      restart = false;
    }
  }
  shim.ready = false;
  if (options.kill_tree && process_any_left()) {
    leaving = true;
    leaving_restarts = restart;
    tree_killed = false;
    process_signal_tree(SIGTERM);
    process_signal_tree(SIGCONT);
    shim.phase_due = later(shim.now, options.stop_timeout == NEVER ? options.abort_timeout : options.stop_timeout);
    enter(restart ? STATE_RESTARTING : STATE_STOPPING);
    return;
  }
  restart_or_finish(restart);
}

void supervise_children_changed(void) {
  if (!leaving || process_any_left()) return;
  leaving = false;
  shim.phase_due = NEVER;
  restart_or_finish(leaving_restarts);
}

void supervise_control_ended(int wait_status) {
  if (wait_status != 0) log_line("%s: --reload-command failed (%s %d)", options.identity, WIFSIGNALED(wait_status) ? "signal" : "status",
                                 WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status));
  // Asked for again while it ran: it may have looked before that.
  if (control_again && shim.main != 0 && !is_ending()) {
    control_again = false;
    process_spawn_control(options.reload_command);
    return;
  }
  // A service that speaks for itself is waited for; the others are as ready as they get.
  if (!reload_pending || reloading_said) return;
  if (wait_status == 0 && speaks_reload) return;
  reload_done();
}

static void phase_over(void) {
  shim.phase_due = NEVER;
  if (leaving) {
    if (!tree_killed) log_line("%s: what it left behind does not end, SIGKILL follows", options.identity);
    tree_killed = true;
    process_signal_tree(SIGKILL);
    // They may have forked meanwhile.
    shim.phase_due = later(shim.now, KILL_AGAIN);
    return;
  }
  if (shim.main == 0) return;
  if (shim.state == STATE_STARTING) {
    abort_service(SIGTERM, "has not said READY=1", shim.now - shim.main_started);
    return;
  }
  log_line("%s: does not end, SIGKILL follows.%s", options.identity, last_status());
  process_signal_main(SIGKILL, SI_USER, 0);
}

void supervise_deadlines(void) {
  if (shim.uplink_due <= shim.now) uplink_retry();
  if (shim.watchdog_due <= shim.now) {
    shim.watchdog_missed++;
    abort_service(options.watchdog_signal, "has not sent WATCHDOG=1", shim.watchdog);
  }
  if (shim.phase_due <= shim.now) phase_over();
  if (shim.reload_due <= shim.now) {
    if (reloading_said || speaks_reload)
      log_line("%s: has not said READY=1 after its reload in time, finit is told for it.%s", options.identity, last_status());
    // It may not do so every time.
    speaks_reload = false;
    reload_done();
  }
  if (shim.restart_due <= shim.now) {
    start_service();
    // A reload may be owed to finit, which a service that never says READY=1 cannot pay.
    if (options.ready_listening) uplink_ready();
  }
  if (shim.status_due <= shim.now) status_write();
}

int64_t supervise_next(void) {
  const int64_t dues[] = {shim.watchdog_due, shim.phase_due, shim.reload_due, shim.restart_due, shim.status_due, shim.uplink_due};
  int64_t next = NEVER;
  for (unsigned i = 0; i < sizeof dues / sizeof *dues; i++)
    if (dues[i] < next) next = dues[i];
  return next;
}
