// Which user and groups are meant: a pure function of the texts of /etc/passwd and /etc/group.
#ifndef FINIT_SHIM_ACCOUNTS_H
#define FINIT_SHIM_ACCOUNTS_H

#include <sys/types.h>

#include "text.h"

#define MAX_GROUPS 64

struct user {
  uid_t uid;  // -1: as it is
  gid_t gid;
  struct text name, home, shell;  // name is empty for a number that nobody has
  gid_t groups[MAX_GROUPS];
  int group_count;
};

// `wanted` is USER or USER:GROUP, names or numbers. NULL, or what there is none of, whose name is in `lacking` then. Texts of `user`
// point into `passwd`.
const char *accounts_find(struct text wanted, struct text passwd, struct text group, struct user *user, struct text *lacking);

#endif
