// The states: any sequence of messages, signals, ends of processes and time that passes, with processes that do as they are told. Four
// bytes for the options, then steps: a byte that says what, a byte how much, and for a message its bytes.
#include "fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

// What is logged is looked at here, not printed.
static ssize_t fuzz_write(int fd, const void *bytes, size_t length) {
  CHECK(fd == 2 && length > 0);
  const unsigned char *line = bytes;
  for (size_t i = 0; i + 1 < length; i++) CHECK(line[i] >= ' ' && line[i] != 0x7f);
  CHECK(line[length - 1] == '\n');
  return (ssize_t)length;
}

static int fuzz_fstat(int fd) {
  CHECK(fd == 2);
  return 0;
}

#include <sys/stat.h>
#define write fuzz_write
#define fstat(fd, stat) (memset(stat, 0, sizeof *(stat)), fuzz_fstat(fd))
#include "../shim/log.c"
#undef write
#undef fstat

#include "../shim/clock.c"
#include "../shim/message.c"
#include "../shim/options.c"
#include "../shim/status_json.c"
#include "../shim/supervise.c"
#include "../shim/text.c"

struct shim shim;

static pid_t last_pid;
static bool left_behind;  // descendants other than the main process and the control command
static bool killed;       // the main process has been sent SIGKILL
static unsigned crowded;  // which restarts cannot fork, of eight
static int told;          // how often finit has been told

bool process_spawn(void) {
  CHECK(shim.main == 0);
  // Some that are restarted have too many others beside them.
  if (shim.restarts > 0 && shim.restarts % 8 == crowded) return false;
  shim.main = ++last_pid;
  shim.main_is_child = true;
  shim.main_started = shim.now;
  killed = false;
  return true;
}
void process_spawn_control(const char *command) {
  CHECK(command && shim.control == 0);
  shim.control = ++last_pid;
}
void process_reap(void) {}
void process_signal_main(int signal, int code, int value) {
  (void)code, (void)value;
  CHECK(signal >= 0 && signal <= 255);
  if (signal == SIGKILL && shim.main != 0) killed = true;
}
bool process_adopt_main(pid_t pid) {
  if (pid % 2 == 0) return false;
  shim.main = pid;
  return true;
}
void process_signal_tree(int signal) {
  if (signal == SIGKILL) left_behind = false;
}
bool process_any_left(void) { return left_behind || shim.control != 0; }
bool uplink_announced(void) { return told > 0; }
void uplink_ready(void) { told++; }
void uplink_retry(void) { shim.uplink_due = NEVER; }
void uplink_say(const char *text) { CHECK(strlen(text) <= STATUS_TEXT_MAX + 8 && text[strlen(text) - 1] == '\n'); }
void status_changed(bool at_once) {
  const int64_t due = at_once ? shim.now : later(shim.now, 250000);
  if (due < shim.status_due) shim.status_due = due;
}
void status_write(void) { shim.status_due = NEVER; }
int store_count(void) { return 0; }
void store_add(struct text name, bool poll, int *fds, int fd_count) { (void)name, (void)poll, (void)fds, (void)fd_count; }
void store_remove(struct text name) { (void)name; }

static void check(void) {
  CHECK(shim.state <= STATE_EXITED && *state_text(shim.state));
  CHECK(shim.status_length <= STATUS_TEXT_MAX);
  CHECK(shim.watchdog > 0 && shim.watchdog_margin >= 0);
  const int64_t dues[] = {shim.watchdog_due, shim.phase_due, shim.reload_due, shim.restart_due, shim.status_due};
  for (unsigned i = 0; i < sizeof dues / sizeof *dues; i++) CHECK(dues[i] >= 0 && dues[i] >= supervise_next());
  if (shim.state == STATE_EXITED) return;
  // Who is being ended is not asked for pings any more.
  if (is_ending()) CHECK(shim.watchdog_due == NEVER);
  if (shim.main != 0) return;
  // Without a process there is something that goes on by itself: it would wait for ever else.
  CHECK(!shim.ready);
  const bool patient = options.stop_timeout == NEVER && options.abort_timeout == NEVER;
  CHECK(shim.restart_due != NEVER || (leaving && process_any_left() && (shim.phase_due != NEVER || patient)));
}

static void begin(struct input *input) {
  static const int64_t times[] = {NEVER, 1, 300000, 5000000, INT64_C(3155760000000000)};
  memset(&shim, 0, sizeof shim);
  memset(&options, 0, sizeof options);
  stop_asked = restart_asked = leaving = leaving_restarts = tree_killed = reload_pending = reloading_said = speaks_reload = false;
  stop_signal = told = 0;
  before_reload = STATE_STARTING;
  left_behind = killed = false;
  last_pid = 1000;
  shim.now = 1000000;
  shim.main_pidfd = -1;
  shim.watchdog_due = shim.phase_due = shim.reload_due = shim.restart_due = shim.status_due = shim.uplink_due = NEVER;
  const uint8_t flags = input_byte(input), first = input_byte(input), second = input_byte(input);
  crowded = flags >> 5;
  options.keep_alive = flags & 1;
  options.kill_tree = flags & 2;
  options.ready_listening = flags & 4;
  options.reload_restart = (flags & 24) == 8;
  options.reload_command = (flags & 24) == 16 ? "true" : NULL;
  options.access = ACCESS_ALL;
  options.identity = "it";
  options.watchdog_signal = SIGABRT;
  options.stop_signals = signal_bit(SIGTERM) | signal_bit(SIGINT) | signal_bit(SIGQUIT);
  options.watchdog = times[first % 5];
  options.start_timeout = times[first / 5 % 5];
  options.stop_timeout = times[first / 25 % 5];
  options.reload_timeout = times[second % 5];
  options.abort_timeout = times[second / 5 % 5];
}

static void main_ends(int wait_status) {
  if (shim.main == 0) return;
  shim.main = 0;
  supervise_main_ended(wait_status);
}

static void step(struct input *input) {
  const uint8_t what = input_byte(input), much = input_byte(input);
  struct message message;
  size_t length;
  switch (what % 8) {
    case 0: {
      char *text = input_text(input, 0, much * 8u, 0, &length);
      if (message_parse(text, length, &message)) supervise_message(&message, shim.main, NULL, 0);
      free(text);
      break;
    }
    case 1: supervise_signal(1 + much % 64, much & 128 ? SI_USER : 1, much); break;
    case 2: shim.now = later(shim.now, INT64_C(1) << much % 40); break;
    case 3: main_ends(much % 2 ? much << 8 : SIGKILL); break;
    case 4:
      if (shim.control == 0) break;
      shim.control = 0;
      supervise_control_ended(much << 8);
      break;
    case 5: left_behind = much % 2 && shim.main != 0; break;
    case 6:
      // To when something is due.
      if (supervise_next() != NEVER && supervise_next() > shim.now) shim.now = supervise_next();
      break;
    default:
      // What comes next is heard before the deadlines are, as after a stop of ours.
      shim.now = later(shim.now, INT64_C(1) << much % 40);
      return;
  }
  if (shim.state != STATE_EXITED) supervise_children_changed();
  if (shim.state != STATE_EXITED) supervise_deadlines();
  if (shim.state != STATE_EXITED) supervise_children_changed();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {data, size};
  begin(&input);
  supervise_start();
  check();
  for (int steps = 0; input.left > 0 && shim.state != STATE_EXITED && steps < 256; steps++) {
    step(&input);
    check();
  }
  if (shim.state == STATE_EXITED) return 0;
  // Asked to end, with a process that does when it is killed at the latest, it ends.
  supervise_signal(SIGTERM, SI_USER, 0);
  for (int i = 0; i < 8 && shim.state != STATE_EXITED; i++) {
    check();
    if (shim.phase_due != NEVER && shim.phase_due > shim.now) shim.now = shim.phase_due;
    supervise_deadlines();
    if (shim.state == STATE_EXITED) break;
    if (shim.phase_due == NEVER || killed) {
      main_ends(SIGKILL);
      left_behind = false;
    }
    if (shim.state != STATE_EXITED && shim.control != 0) {
      shim.control = 0;
      supervise_control_ended(0);
    }
    if (shim.state != STATE_EXITED) supervise_children_changed();
  }
  CHECK(shim.state == STATE_EXITED && shim.has_ended);
  return 0;
}
