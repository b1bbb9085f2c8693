#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim.h"

#define KCMP_FILE 0

struct stored stored[MAX_STORED];

void store_open(void) {
  for (int i = 0; i < MAX_STORED; i++) stored[i].fd = -1;
}

int store_count(void) {
  int count = 0;
  for (int i = 0; i < MAX_STORED; i++) count += stored[i].fd >= 0;
  return count;
}

static bool is_stored(int fd) {
  for (int i = 0; i < MAX_STORED; i++)
    if (stored[i].fd >= 0 && syscall(SYS_kcmp, shim.pid, shim.pid, KCMP_FILE, fd, stored[i].fd) == 0) return true;
  return false;
}

// What is taken is set to -1 in fds.
void store_add(struct text name, bool poll, int *fds, int fd_count) {
  if (!name.bytes) name = (struct text){"stored", 6};
  for (int i = 0; i < fd_count; i++) {
    if (is_stored(fds[i])) continue;
    int slot = 0;
    while (slot < MAX_STORED && stored[slot].fd >= 0) slot++;
    if (slot == MAX_STORED) {
      log_line("%d descriptors are stored, no more are taken (%.*s)", MAX_STORED, (int)name.length, name.bytes);
      return;
    }
    stored[slot].fd = fds[i];
    memcpy(stored[slot].name, name.bytes, name.length);
    stored[slot].name[name.length] = '\0';
    if (poll) {
      // Regular files cannot be watched, and have no other end to be lost.
      struct epoll_event event = {.events = 0, .data.u64 = SOURCE_STORED | (uint64_t)slot << 8};
      (void)epoll_ctl(shim.epoll, EPOLL_CTL_ADD, fds[i], &event);
    }
    fds[i] = -1;
  }
}

static void drop(int slot) {
  // The service may hold it too: only the last close takes it out of epoll.
  (void)epoll_ctl(shim.epoll, EPOLL_CTL_DEL, stored[slot].fd, NULL);
  close(stored[slot].fd);
  stored[slot].fd = -1;
}

void store_remove(struct text name) {
  if (!name.bytes) return;
  for (int i = 0; i < MAX_STORED; i++)
    if (stored[i].fd >= 0 && text_is(name, stored[i].name)) drop(i);
}

void store_hung_up(int slot) {
  if (slot < 0 || slot >= MAX_STORED || stored[slot].fd < 0) return;
  drop(slot);
  status_changed(false);
}
