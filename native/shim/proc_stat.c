#define _GNU_SOURCE
#include "proc_stat.h"

#include <string.h>

bool stat_field(struct text stat, int field, uint64_t most, uint64_t *number) {
  // The 2nd, the name, may hold anything, also parentheses and spaces; what follows it cannot.
  const char *name_end = stat.length ? memrchr(stat.bytes, ')', stat.length) : NULL;
  if (!name_end) return false;
  struct text rest = {name_end + 1, stat.length - (size_t)(name_end + 1 - stat.bytes)};
  for (int at = 2; at < field; at++) (void)text_piece(&rest, ' ');
  const struct text value = text_piece(&rest, ' ');
  return rest.length > 0 && number_parse(value, most, number);
}
