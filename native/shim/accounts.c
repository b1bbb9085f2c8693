#include "accounts.h"

#include <string.h>

static bool same(struct text one, struct text other) {
  return one.length == other.length && memcmp(one.bytes, other.bytes, one.length) == 0;
}

// -1 is nobody's number: to setuid() and chown() it means to leave things as they are.
static bool id_parse(struct text text, uint64_t *id) { return number_parse(text, UINT32_MAX - 1, id); }

static bool find_group(struct text groups, struct text name, gid_t *gid) {
  while (groups.length > 0) {
    struct text line = text_piece(&groups, '\n');
    uint64_t number;
    const struct text group = text_piece(&line, ':');
    (void)text_piece(&line, ':');
    if (!same(group, name) || !id_parse(text_piece(&line, ':'), &number)) continue;
    *gid = (gid_t)number;
    return true;
  }
  return false;
}

static bool find_user(struct text users, struct text wanted, bool is_number, uint64_t uid, struct user *user) {
  while (users.length > 0) {
    struct text line = text_piece(&users, '\n');
    uint64_t found, gid;
    const struct text name = text_piece(&line, ':');
    (void)text_piece(&line, ':');
    if (!id_parse(text_piece(&line, ':'), &found) || !id_parse(text_piece(&line, ':'), &gid)) continue;
    if (is_number ? found != uid : !same(name, wanted)) continue;
    (void)text_piece(&line, ':');
    *user = (struct user){.uid = (uid_t)found, .gid = (gid_t)gid, .name = name, .home = text_piece(&line, ':'), .shell = line};
    return true;
  }
  return false;
}

static void add_groups(struct text groups, struct user *user) {
  while (groups.length > 0) {
    struct text line = text_piece(&groups, '\n');
    uint64_t gid;
    (void)text_piece(&line, ':');
    (void)text_piece(&line, ':');
    if (!id_parse(text_piece(&line, ':'), &gid)) continue;
    while (line.length > 0)
      if (same(text_piece(&line, ','), user->name) && gid != user->gid && user->group_count < MAX_GROUPS)
        user->groups[user->group_count++] = (gid_t)gid;
  }
}

const char *accounts_find(struct text wanted, struct text passwd, struct text group, struct user *user, struct text *lacking) {
  const bool has_group = wanted.length > 0 && memchr(wanted.bytes, ':', wanted.length) != NULL;
  const struct text name = text_piece(&wanted, ':');
  uint64_t number = 0;
  const bool is_number = id_parse(name, &number);
  *lacking = name;
  if (!find_user(passwd, name, is_number, number, user)) {
    if (!is_number) return "user";
    *user = (struct user){.uid = (uid_t)number, .gid = (gid_t)number};
  }
  *lacking = wanted;
  if (has_group) {
    if (id_parse(wanted, &number))
      user->gid = (gid_t)number;
    else if (!find_group(group, wanted, &user->gid))
      return "group";
  }
  user->groups[user->group_count++] = user->gid;
  if (user->name.length > 0) add_groups(group, user);
  return NULL;
}
