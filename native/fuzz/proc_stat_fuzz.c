// A /proc/PID/stat: any bytes, and a real one whose name they are.
#include "fuzz.h"

#include "../shim/proc_stat.c"
#include "../shim/text.c"

static const char tail[] = ") S 77 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456789 1000 18446744073709551615\n";

static void check_any(const uint8_t *data, size_t size, int field, uint64_t most) {
  uint64_t number = 1;
  if (!stat_field((struct text){(const char *)data, size}, field, most, &number)) return;
  CHECK(number <= most);
  // There are so many spaces behind the last parenthesis, and then that number.
  const uint8_t *at = memrchr(data, ')', size);
  CHECK(at);
  for (int i = 2; i < field; i++) {
    at = memchr(at + 1, ' ', (size_t)(data + size - at - 1));
    CHECK(at);
  }
  char text[24];
  const int length = snprintf(text, sizeof text, "%llu ", (unsigned long long)number);
  for (at++; *at == '0' && at[1] != ' ';) at++;
  CHECK(at + length <= data + size && memcmp(at, text, (size_t)length) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  check_any(data, size, STAT_PARENT, INT32_MAX);
  check_any(data, size, STAT_START, UINT64_MAX);
  char *text = malloc(4 + size + sizeof tail - 1);
  memcpy(text, "1 (", 4);
  if (size > 0) memcpy(text + 3, data, size);
  memcpy(text + 3 + size, tail, sizeof tail - 1);
  const struct text stat = {text, 3 + size + sizeof tail - 1};
  uint64_t number;
  CHECK(stat_field(stat, STAT_PARENT, INT32_MAX, &number) && number == 77);
  CHECK(stat_field(stat, STAT_START, UINT64_MAX, &number) && number == 123456789);
  CHECK(!stat_field(stat, STAT_PARENT, 76, &number) && !stat_field(stat, 8, UINT64_MAX, &number));
  // Cut within the field.
  for (size_t cut = 0; cut < 7 && cut <= stat.length; cut++)
    CHECK(!stat_field((struct text){text, 3 + size + cut}, STAT_PARENT, INT32_MAX, &number) || memrchr(text, ')', 3 + size) != NULL);
  free(text);
  return 0;
}
