// What --user wants, a line; then an /etc/passwd; after a line "--" an /etc/group.
#include "fuzz.h"

#include "../shim/accounts.c"
#include "../shim/text.c"

static bool within(struct text part, struct text whole) {
  return part.bytes >= whole.bytes && part.bytes + part.length <= whole.bytes + whole.length;
}

// A line of the file that begins with these fields.
static bool has_line(struct text file, struct text first, int skipped, gid_t id) {
  while (file.length > 0) {
    struct text line = text_piece(&file, '\n');
    uint64_t number;
    if (first.bytes && !same(text_piece(&line, ':'), first)) continue;
    if (!first.bytes) (void)text_piece(&line, ':');
    for (int i = 0; i < skipped; i++) (void)text_piece(&line, ':');
    if (number_parse(text_piece(&line, ':'), UINT32_MAX, &number) && number == id) return true;
  }
  return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct input input = {data, size};
  size_t lengths[3];
  char *wanted = input_text(&input, '\n', SIZE_MAX, 1, &lengths[0]);
  const uint8_t *middle = input.left > 0 ? memmem(input.at, input.left, "\n--\n", 4) : NULL;
  struct input first = {input.at, middle ? (size_t)(middle - input.at) : input.left};
  struct input second = {middle ? middle + 4 : input.at, middle ? input.left - first.left - 4 : 0};
  char *users = input_text(&first, -1, SIZE_MAX, 0, &lengths[1]);
  char *groups = input_text(&second, -1, SIZE_MAX, 0, &lengths[2]);
  const struct text who = {wanted, strlen(wanted)}, passwd = {users, lengths[1]}, group = {groups, lengths[2]};
  const char *colon = strchr(wanted, ':');
  const struct text name = {wanted, colon ? (size_t)(colon - wanted) : who.length};
  struct user user = {.uid = (uid_t)-1, .gid = (gid_t)-1};
  struct text lacking;
  const char *what = accounts_find(who, passwd, group, &user, &lacking);
  uint64_t number;
  if (what) {
    CHECK(strcmp(what, "user") == 0 || strcmp(what, "group") == 0);
    // A number is never lacking.
    CHECK(within(lacking, who) && !number_parse(lacking, UINT32_MAX - 1, &number));
  } else {
    CHECK(user.uid != (uid_t)-1 && user.gid != (gid_t)-1);
    CHECK(user.group_count >= 1 && user.group_count <= MAX_GROUPS && user.groups[0] == user.gid);
    if (number_parse(name, UINT32_MAX - 1, &number))
      CHECK(user.uid == number);
    else
      CHECK(same(user.name, name) && has_line(passwd, name, 1, user.uid));
    if (user.name.bytes) {
      CHECK(within(user.name, passwd) && within(user.home, passwd) && within(user.shell, passwd));
      CHECK(user.home.length == 0 || !memchr(user.home.bytes, ':', user.home.length));
    }
    if (colon) CHECK(number_parse((struct text){colon + 1, strlen(colon + 1)}, UINT32_MAX - 1, &number) ? user.gid == number
                         : has_line(group, (struct text){colon + 1, strlen(colon + 1)}, 1, user.gid));
    for (int i = 1; i < user.group_count; i++)
      CHECK(user.groups[i] != (gid_t)-1 && user.groups[i] != user.gid && has_line(group, (struct text){NULL, 0}, 1, user.groups[i]));
  }
  free(wanted);
  free(users);
  free(groups);
  return 0;
}
