// Users and groups from /etc/passwd and /etc/group: what a static program can have of them. libc's functions would bring their
// allocator, which is a fifth of the whole shim.
#include "shim.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Mapped for good: user.name and its like point into it. Empty when it cannot be read.
static struct text file(const char *path) {
  struct text text = {"", 0};
  struct stat stat;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  if (fstat(fd, &stat) == 0 && stat.st_size > 0) {
    void *map = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map != MAP_FAILED) text = (struct text){map, (size_t)stat.st_size};
  }
  close(fd);
  return text;
}

// Up to `end`, which is skipped; the rest stays in `text`.
static struct text piece(struct text *text, char end) {
  const char *at = text->length ? memchr(text->bytes, end, text->length) : NULL;
  const struct text before = {text->bytes, at ? (size_t)(at - text->bytes) : text->length};
  const size_t skipped = before.length + (at != NULL);
  text->bytes += skipped;
  text->length -= skipped;
  return before;
}

static bool same(struct text one, struct text other) {
  return one.length == other.length && memcmp(one.bytes, other.bytes, one.length) == 0;
}

static bool find_group(struct text name, gid_t *gid) {
  struct text groups = file("/etc/group");
  while (groups.length > 0) {
    struct text line = piece(&groups, '\n');
    uint64_t number;
    const struct text group = piece(&line, ':');
    (void)piece(&line, ':');
    if (!same(group, name) || !number_parse(piece(&line, ':'), UINT32_MAX - 1, &number)) continue;
    *gid = (gid_t)number;
    return true;
  }
  return false;
}

static bool find_passwd(struct text wanted, bool is_number, uint64_t uid, struct user *user) {
  struct text users = file("/etc/passwd");
  while (users.length > 0) {
    struct text line = piece(&users, '\n');
    uint64_t found, gid;
    const struct text name = piece(&line, ':');
    (void)piece(&line, ':');
    if (!number_parse(piece(&line, ':'), UINT32_MAX - 1, &found) || !number_parse(piece(&line, ':'), UINT32_MAX - 1, &gid)) continue;
    if (is_number ? found != uid : !same(name, wanted)) continue;
    (void)piece(&line, ':');
    *user = (struct user){.uid = (uid_t)found, .gid = (gid_t)gid, .name = name, .home = piece(&line, ':'), .shell = line};
    return true;
  }
  return false;
}

static void add_groups(struct user *user) {
  struct text groups = file("/etc/group");
  while (groups.length > 0) {
    struct text line = piece(&groups, '\n');
    uint64_t gid;
    (void)piece(&line, ':');
    (void)piece(&line, ':');
    if (!number_parse(piece(&line, ':'), UINT32_MAX - 1, &gid)) continue;
    while (line.length > 0)
      if (same(piece(&line, ','), user->name) && gid != user->gid && user->group_count < MAX_GROUPS)
        user->groups[user->group_count++] = (gid_t)gid;
  }
}

static _Noreturn void there_is_no(const char *what, struct text name) {
  log_line("--user %s: there is no %s %.*s", options.user, what, (int)name.length, name.bytes);
  _exit(EXIT_USAGE);
}

void user_find(struct user *user) {
  struct text group = {options.user, strlen(options.user)};
  const bool has_group = memchr(group.bytes, ':', group.length) != NULL;
  const struct text name = piece(&group, ':');
  uint64_t number = 0;
  const bool is_number = number_parse(name, UINT32_MAX - 1, &number);
  if (!find_passwd(name, is_number, number, user)) {
    if (!is_number) there_is_no("user", name);
    *user = (struct user){.uid = (uid_t)number, .gid = (gid_t)number};
  }
  if (has_group) {
    if (number_parse(group, UINT32_MAX - 1, &number))
      user->gid = (gid_t)number;
    else if (!find_group(group, &user->gid))
      there_is_no("group", group);
  }
  user->groups[user->group_count++] = user->gid;
  if (user->name.length > 0) add_groups(user);
}
