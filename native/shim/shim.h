// The shim's state, and what its parts offer to each other. One process, one thread, one epoll; nothing is allocated.
//
//   main.c       start, the loop, the end
//   options.c    the command line
//   text.c       pieces of text, numbers
//   message.c    what a service says, parsed
//   inbox.c      the notify socket: who says it, and with which descriptors
//   supervise.c  what follows from it: states, deadlines, the watchdog, reloads, restarts
//   process.c    the service's process, its descendants, their end
//   environment.c  what its environment says
//   proc_stat.c  /proc/PID/stat, parsed
//   user.c       --user
//   accounts.c   /etc/passwd and /etc/group, parsed
//   uplink.c     telling finit
//   listen.c     listening sockets
//   address.c    their addresses, parsed
//   store.c      stored descriptors
//   status.c     the status file
//   status_json.c  what is in it
//   log.c        to stderr, or syslog
//   clock.c
#ifndef FINIT_SHIM_H
#define FINIT_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "accounts.h"
#include "address.h"
#include "message.h"
#include "options.h"

#define NEVER INT64_MAX
#define EXIT_SHIM 70
#define STATUS_TEXT_MAX 1024

enum state { STATE_STARTING, STATE_READY, STATE_RELOADING, STATE_STOPPING, STATE_RESTARTING, STATE_ABORTING, STATE_EXITED };

struct shim {
  int epoll;
  int64_t now;  // CLOCK_MONOTONIC, microseconds, as of the last wake-up
  pid_t pid;

  enum state state;
  int64_t since;  // of the state, CLOCK_REALTIME in milliseconds
  bool ready;     // the service has said so, and has not taken it back
  enum access access;
  char status[STATUS_TEXT_MAX];
  size_t status_length;
  int error;

  pid_t main;  // 0: none
  bool main_is_child;
  int main_pidfd;          // of a main process that is not our child, else -1
  int64_t main_since;      // CLOCK_REALTIME in milliseconds
  int64_t main_started;    // CLOCK_MONOTONIC in microseconds
  pid_t control;           // --reload-command, 0: none
  int wait_status;         // of the last main process
  bool has_ended;

  int64_t watchdog;         // WATCHDOG_USEC in force, NEVER for none
  int64_t watchdog_margin;  // the least time that was left at a ping, NEVER before the first
  unsigned watchdog_missed;
  unsigned restarts;
  unsigned short_lives;     // ends in a row of processes that never became ready

  // When something is due, on the clock of `now`; NEVER.
  int64_t watchdog_due, phase_due, reload_due, restart_due, status_due, uplink_due;
};

extern struct shim shim;

// clock.c
int64_t clock_monotonic(void);  // microseconds
int64_t clock_real(void);       // milliseconds
int64_t later(int64_t from, int64_t by);  // NEVER stays NEVER

// log.c: to stderr, or to syslog when that leads nowhere
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail(const char *what);  // with errno
// write(), but nobody is waited for, whoever else has the descriptor: EAGAIN when there is no room.
ssize_t write_at_once(int fd, const char *text, size_t length);

// inbox.c
void inbox_open(void);
const char *inbox_address(void);  // for NOTIFY_SOCKET
int inbox_fd(void);
// Reads what is there, at most `most` datagrams; false when that was not all.
bool inbox_drain(int most);

// supervise.c
void supervise_start(void);
void supervise_message(const struct message *message, pid_t sender, int *fds, int fd_count);
void supervise_signal(int signal, int code, int value);
void supervise_main_ended(int wait_status);
void supervise_control_ended(int wait_status);
void supervise_children_changed(void);
void supervise_deadlines(void);
int64_t supervise_next(void);

// process.c
void process_prepare(void);  // subreaper, --user
bool process_spawn(void);  // false: cannot be restarted now, the reason is in errno
void process_spawn_control(const char *command);
void process_reap(void);
void process_signal_main(int signal, int code, int value);
bool process_is_descendant(pid_t pid);
bool process_adopt_main(pid_t pid);
void process_main_gone(void);  // the pidfd has said so
void process_signal_tree(int signal);
bool process_any_left(void);
uid_t process_uid(void);  // of --user, else (uid_t)-1
gid_t process_gid(void);
_Noreturn void process_end_as(int wait_status);
extern uint64_t original_mask;

// user.c
void user_find(struct user *user);  // options.user; ends the process when there is none

// environment.c, in the child
#define ENVIRONMENT_MORE 16
size_t environment_size(void);  // of the room, in pointers
void environment_for_service(char **room, int fd_count, const struct user *user);
void environment_for_control(char **room);

// uplink.c
void uplink_open(void);
void uplink_ready(void);
void uplink_say(const char *text);  // to others than finit only
void uplink_retry(void);
bool uplink_announced(void);

// listen.c
void listen_open(void);
void listen_remove(void);

// store.c
#define MAX_STORED 64
extern int stored[MAX_STORED];  // -1: free
extern char stored_names[MAX_STORED][256];
void store_open(void);
int store_count(void);
void store_add(struct text name, bool poll, int *fds, int fd_count);
void store_remove(struct text name);
void store_hung_up(uint64_t source);  // as epoll has it

// status_json.c
// What the status file holds, all that it can be: each byte of a text may become six.
#define STATUS_JSON_MAX (1024 + 6 * (STATUS_TEXT_MAX + IDENTITY_MAX) + MAX_LISTENERS * (6 * ADDRESS_TEXT_MAX + 3))
size_t status_json(char room[STATUS_JSON_MAX], uint64_t started);
const char *state_text(enum state state);

// status.c
void status_changed(bool at_once);
void status_write(void);

// What epoll tells of: a tag in the lowest 8 bits; for stored descriptors with the slot (8) and its serial number (32, from 32 on).
enum source { SOURCE_INBOX, SOURCE_SIGNALS, SOURCE_MAIN, SOURCE_STORED };

#endif
