// A fuzzer includes the .c files of the shim that it is about, and has one function, libFuzzer's. clang links it with libFuzzer, any
// other compiler with driver.c: `npm run fuzz` and test/native/fuzz.test.ts.
#ifndef FINIT_FUZZ_H
#define FINIT_FUZZ_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// What a fuzzer makes of an input, for driver.c's -print. Few have it.
__attribute__((weak)) void fuzz_print(const uint8_t *data, size_t size);

#define CHECK(condition)                                                             \
  do {                                                                               \
    if (!(condition)) {                                                              \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      abort();                                                                       \
    }                                                                                \
  } while (0)

// What an input is taken apart with.
struct input {
  const uint8_t *at;
  size_t left;
};

static inline uint8_t input_byte(struct input *input) {
  if (input->left == 0) return 0;
  input->left--;
  return *input->at++;
}

// Up to `end`, which is skipped, or all; at most `most`, the rest of it is skipped. A copy of its own, so that what is read beyond its
// end is seen, with a NUL when `nul`. To be freed.
static inline char *input_text(struct input *input, int end, size_t most, int nul, size_t *length) {
  const uint8_t *found = input->left > 0 && end >= 0 ? memchr(input->at, end, input->left) : NULL;
  const size_t whole = found ? (size_t)(found - input->at) : input->left;
  *length = whole < most ? whole : most;
  char *copy = malloc(*length + (nul != 0));
  if (*length > 0) memcpy(copy, input->at, *length);
  if (nul) copy[*length] = '\0';
  input->at += whole + (found != NULL);
  input->left -= whole + (found != NULL);
  return copy;
}

#endif
