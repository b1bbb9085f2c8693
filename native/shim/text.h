// Pieces of bytes that others have written, and what is read from them. Pure functions.
#ifndef FINIT_SHIM_TEXT_H
#define FINIT_SHIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A piece of something longer, not ended by NUL.
struct text {
  const char *bytes;
  size_t length;
};

bool text_is(struct text text, const char *word);

// Up to `end`, which is skipped; the rest stays in `text`.
struct text text_piece(struct text *text, char end);

// Decimal digits and nothing else, at most `most`.
bool number_parse(struct text text, uint64_t most, uint64_t *number);

#endif
