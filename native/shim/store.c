#include "shim.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KCMP_FILE 0

int stored[MAX_STORED];
char stored_names[MAX_STORED][256];
// Tells a slot's descriptor from the one that was there before, whose end epoll may have told already.
static uint32_t serials[MAX_STORED];

void store_open(void) {
  for (int i = 0; i < MAX_STORED; i++) stored[i] = -1;
}

int store_count(void) {
  int count = 0;
  for (int i = 0; i < MAX_STORED; i++) count += stored[i] >= 0;
  return count;
}

static bool is_stored(int fd) {
  for (int i = 0; i < MAX_STORED; i++)
    if (stored[i] >= 0 && syscall(SYS_kcmp, shim.pid, shim.pid, KCMP_FILE, fd, stored[i]) == 0) return true;
  return false;
}

// What is taken is set to -1 in fds.
void store_add(struct text name, bool poll, int *fds, int fd_count) {
  if (!name.bytes) name = (struct text){"stored", 6};
  for (int i = 0; i < fd_count; i++) {
    if (is_stored(fds[i])) continue;
    int slot = 0;
    while (slot < MAX_STORED && stored[slot] >= 0) slot++;
    if (slot == MAX_STORED) {
      log_line("%d descriptors are stored, no more are taken (%.*s)", MAX_STORED, (int)name.length, name.bytes);
      return;
    }
    stored[slot] = fds[i];
    memcpy(stored_names[slot], name.bytes, name.length);
    stored_names[slot][name.length] = '\0';
    if (poll) {
      // Regular files cannot be watched, and have no other end to be lost.
      struct epoll_event event = {.events = 0, .data.u64 = SOURCE_STORED | (uint64_t)slot << 8 | (uint64_t)serials[slot] << 32};
      (void)epoll_ctl(shim.epoll, EPOLL_CTL_ADD, fds[i], &event);
    }
    fds[i] = -1;
  }
}

static void drop(int slot) {
  // The service may hold it too: only the last close takes it out of epoll.
  (void)epoll_ctl(shim.epoll, EPOLL_CTL_DEL, stored[slot], NULL);
  close(stored[slot]);
  stored[slot] = -1;
  serials[slot]++;
}

void store_remove(struct text name) {
  if (!name.bytes) return;
  for (int i = 0; i < MAX_STORED; i++)
    if (stored[i] >= 0 && text_is(name, stored_names[i])) drop(i);
}

void store_hung_up(uint64_t source) {
  const unsigned slot = source >> 8 & 0xff;
  if (slot >= MAX_STORED || stored[slot] < 0 || serials[slot] != source >> 32) return;
  drop((int)slot);
  status_changed(false);
}
