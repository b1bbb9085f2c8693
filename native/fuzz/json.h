// Whether a text is JSON, to the letter (RFC 8259), in UTF-8.
#ifndef FINIT_FUZZ_JSON_H
#define FINIT_FUZZ_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct json {
  const unsigned char *at, *end;
};

static bool json_value(struct json *json, int depth);

static int json_next(struct json *json) { return json->at < json->end ? *json->at : -1; }

static bool json_take(struct json *json, int byte) {
  if (json_next(json) != byte) return false;
  json->at++;
  return true;
}

static bool json_word(struct json *json, const char *word) {
  while (*word)
    if (!json_take(json, *word++)) return false;
  return true;
}

// By what it stands for, and how long the shortest form of that is.
static bool json_character(struct json *json) {
  const unsigned first = *json->at++;
  if (first < 0x80) return true;
  const int more = first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : 0;
  uint32_t point = first & (0x3fu >> more);
  for (int i = 0; i < more; i++) {
    const int next = json_next(json);
    if (next < 0 || next >> 6 != 2) return false;
    point = point << 6 | ((unsigned)next & 0x3f);
    json->at++;
  }
  const int shortest = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  return more > 0 && more == shortest && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
}

static bool json_string(struct json *json) {
  if (!json_take(json, '"')) return false;
  for (;;) {
    const int next = json_next(json);
    if (next < 0x20) return false;
    if (next == '"') return json_take(json, '"');
    if (next != '\\') {
      if (!json_character(json)) return false;
      continue;
    }
    json->at++;
    const int escape = json_next(json);
    if (escape < 0 || !strchr("\"\\/bfnrtu", escape) || escape == 0) return false;
    json->at++;
    for (int i = 0; escape == 'u' && i < 4; i++) {
      const int digit = json_next(json);
      if (digit <= 0 || !strchr("0123456789abcdefABCDEF", digit)) return false;
      json->at++;
    }
  }
}

// Whole ones only; there are no others in a status.
static bool json_number(struct json *json) {
  (void)json_take(json, '-');
  if (json_take(json, '0')) return true;
  const unsigned char *from = json->at;
  while (json_next(json) >= '0' && json_next(json) <= '9') json->at++;
  return json->at > from;
}

static bool json_list(struct json *json, int end, bool keys, int depth) {
  json->at++;
  if (json_take(json, end)) return true;
  do {
    if (keys && !(json_string(json) && json_take(json, ':'))) return false;
    if (!json_value(json, depth + 1)) return false;
  } while (json_take(json, ','));
  return json_take(json, end);
}

static bool json_value(struct json *json, int depth) {
  if (depth > 16) return false;
  switch (json_next(json)) {
    case '{': return json_list(json, '}', true, depth);
    case '[': return json_list(json, ']', false, depth);
    case '"': return json_string(json);
    case 't': return json_word(json, "true");
    case 'f': return json_word(json, "false");
    case 'n': return json_word(json, "null");
    default: return json_number(json);
  }
}

// One value, and a newline.
static bool json_is_valid(const char *text, size_t length) {
  struct json json = {(const unsigned char *)text, (const unsigned char *)text + length};
  return json_value(&json, 0) && json_take(&json, '\n') && json.at == json.end;
}

#endif
