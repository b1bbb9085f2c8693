#include "text.h"

#include <string.h>

bool text_is(struct text text, const char *word) {
  return text.length == strlen(word) && memcmp(text.bytes, word, text.length) == 0;
}

struct text text_piece(struct text *text, char end) {
  const char *at = text->length ? memchr(text->bytes, end, text->length) : NULL;
  const struct text before = {text->bytes, at ? (size_t)(at - text->bytes) : text->length};
  const size_t skipped = before.length + (at != NULL);
  text->bytes += skipped;
  text->length -= skipped;
  return before;
}

bool number_parse(struct text text, uint64_t most, uint64_t *number) {
  uint64_t value = 0;
  if (text.length == 0) return false;
  for (size_t i = 0; i < text.length; i++) {
    if (text.bytes[i] < '0' || text.bytes[i] > '9') return false;
    const uint64_t digit = (uint64_t)(text.bytes[i] - '0');
    if (value > (most - digit) / 10 || digit > most) return false;
    value = value * 10 + digit;
  }
  *number = value;
  return true;
}
