// The command line. Texts point into argv.
#ifndef FINIT_SHIM_OPTIONS_H
#define FINIT_SHIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "message.h"

#define MAX_LISTENERS 32
#define MAX_RLIMITS 16
#define IDENTITY_MAX 200
#define DEFAULT_STATUS_DIR "/run/node-finit/shim"

// Wrong usage, as sysexits' EX_USAGE is not finit's: 64 is what BSD and tini's kin use.
#define EXIT_USAGE 64

struct listener {
  struct text name, spec;
  int fd;
  dev_t device;  // of a socket in the file system
  ino_t inode;
};

enum uplink_option { UPLINK_AUTO, UPLINK_NONE, UPLINK_FD, UPLINK_S6 };

struct options {
  int64_t watchdog, abort_timeout, start_timeout, stop_timeout, reload_timeout;  // microseconds, NEVER for none
  int watchdog_signal;
  uint64_t stop_signals;  // signal_bit() of each that asks for the service's end
  enum access access;
  bool kill_tree, keep_alive, ready_listening, no_new_privs, reload_restart;
  const char *reload_command, *user, *identity;
  char *status_dir;
  enum uplink_option uplink;
  int uplink_fd;
  int umask;  // -1: as it is
  mode_t listen_mode;
  struct {
    int resource;
    struct rlimit limit;
  } rlimits[MAX_RLIMITS];
  int rlimit_count;
  bool has_oom, has_nice;
  int oom, nice;
  struct listener listeners[MAX_LISTENERS];
  int listener_count;
  char **command;
};

extern struct options options;

// Fills `options`; prints what is wrong and ends the process with EXIT_USAGE, or with 0 after --help and --version.
void options_parse(char **argv);

// "10" and "10s" are seconds, "500ms", "2min", "1h", "infinity". Microseconds.
bool duration_parse(struct text text, int64_t *microseconds);

// "ABRT", "SIGABRT" or "6".
bool signal_parse(const char *text, int *signal);

// In a set, as the kernel has them: signals are 1 to 64.
static inline uint64_t signal_bit(int signal) { return UINT64_C(1) << (signal - 1); }

// "SIGABRT"; "SIG35" for those without a name.
const char *signal_text(int signal, char buffer[16]);

#endif
