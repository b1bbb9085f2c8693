#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proc_stat.h"

// A status that changes all the time is written so often, in microseconds.
#define LEAST_PAUSE 250000

// The service comes first: what is written before it is another program takes its time, and a processor.
#define HEAD_START 1000

static bool opened;
static int directory = -1;
static char name[224], temporary[232];
static int64_t written;
static uint64_t started;  // ticks

static void make_directories(char *path) {
  const size_t whole = strlen(path);
  for (size_t i = 1; i <= whole; i++) {
    const char end = path[i];
    if (end != '/' && end != '\0') continue;
    path[i] = '\0';
    // What is wrong with it is seen when it is opened.
    (void)mkdir(path, 0755);
    path[i] = end;
  }
}

static uint64_t start_ticks(void) {
  char stat[1024];
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t got = read(fd, stat, sizeof stat);
  close(fd);
  uint64_t ticks;
  return got > 0 && stat_field((struct text){stat, (size_t)got}, STAT_START, UINT64_MAX, &ticks) ? ticks : 0;
}

static void status_open(void) {
  static char usual[] = DEFAULT_STATUS_DIR;
  char *path = options.status_dir ? options.status_dir : usual;
  make_directories(path);
  directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) {
    // An ordinary user has no place in /run, and did not ask for one.
    if (options.status_dir || errno != ENOENT) log_line("no status file: %s: %s", path, strerror(errno));
    return;
  }
  const int size = snprintf(name, sizeof name, "%s.json", options.identity);
  for (int i = 0; i < size; i++)
    if (name[i] == '/' || (unsigned char)name[i] < ' ' || (i == 0 && name[i] == '.')) name[i] = '_';
  snprintf(temporary, sizeof temporary, ".%s.new", name);
  started = start_ticks();
}

void status_changed(bool at_once) {
  if (opened && directory < 0) return;
  const int64_t due = written == 0 ? later(shim.now, HEAD_START) : at_once ? shim.now : later(written, LEAST_PAUSE);
  if (due < shim.status_due) shim.status_due = due;
}

void status_write(void) {
  shim.status_due = NEVER;
  if (!opened) status_open();
  opened = true;
  if (directory < 0) return;
  written = shim.now;
  static char text[STATUS_JSON_MAX];
  const size_t length = status_json(text, started);
  static bool complained;
  const int fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
  bool done = fd >= 0 && write(fd, text, length) == (ssize_t)length;
  if (fd >= 0) close(fd);
  done = done && renameat(directory, temporary, directory, name) == 0;
  if (done || complained) return;
  complained = true;
  log_line("%s: no status: %s/%s cannot be written: %s (--status-dir names another place)", options.identity,
           options.status_dir ? options.status_dir : DEFAULT_STATUS_DIR, name, strerror(errno));
}
