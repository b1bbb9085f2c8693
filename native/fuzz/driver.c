// Runs a fuzzer where there is no libFuzzer: the corpus, then mutations of it, always the same for the same -seed. Takes libFuzzer's
// options of these names:
//
//   FUZZER [-runs=N] [-seed=N] [-max_len=N] [-dict=FILE] [-artifact_prefix=PREFIX] [-print=1] FILE|DIRECTORY...
//
// -runs=0 is the corpus only; -print=1 is that, and shows what the fuzzer makes of it. What fails is left in PREFIXcrash.
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 4096
#define LONGEST 65536

struct bytes {
  uint8_t *data;
  size_t size;
};

static struct bytes corpus[MOST], words[MOST];
static size_t corpus_count, word_count, max_length = 4200;
static uint64_t chance = 1;
static struct bytes now;
static char artifact[4096];

void __sanitizer_set_death_callback(void (*callback)(void));

static void keep(void) {
  if (!now.data) return;
  const int fd = open(artifact, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0) return;
  const ssize_t written = write(fd, now.data, now.size);
  close(fd);
  dprintf(2, "driver: %zd bytes of the input are in %s\n", written, artifact);
}

static void aborted(int signal) {
  keep();
  _exit(128 + signal);
}

static size_t below(size_t limit) {
  chance ^= chance << 13;
  chance ^= chance >> 7;
  chance ^= chance << 17;
  return limit ? (size_t)(chance >> 11) % limit : 0;
}

static void run(const uint8_t *data, size_t size) {
  // Of exactly that length: what is read beyond it is seen.
  now = (struct bytes){malloc(size), size};
  if (size > 0) memcpy(now.data, data, size);
  LLVMFuzzerTestOneInput(now.data, now.size);
  free(now.data);
  now.data = NULL;
}

static void patch(struct bytes *to, size_t at, size_t removed, const uint8_t *data, size_t size) {
  if (to->size - removed + size > max_length) return;
  memmove(to->data + at + size, to->data + at + removed, to->size - at - removed);
  if (size > 0) memmove(to->data + at, data, size);
  to->size += size - removed;
}

static void mutate(struct bytes *to) {
  static const uint8_t special[] = {0, '\n', '=', ':', ',', ' ', '"', '\\', '-', '0', '9', 0x7f, 0x80, 0xc3, 0xff};
  const size_t at = below(to->size + 1);
  const size_t some = below(to->size - at + 1) % (1 + below(64));
  uint8_t byte = special[below(sizeof special)];
  switch (below(7)) {
    case 0:
      if (at < to->size) to->data[at] ^= (uint8_t)(1 << below(8));
      break;
    case 1:
      if (at < to->size) to->data[at] = (uint8_t)below(256);
      break;
    case 2: patch(to, at, some, NULL, 0); break;
    case 3: patch(to, at, below(2) && at < to->size, &byte, 1); break;
    case 4:
      if (word_count > 0) {
        const struct bytes *word = &words[below(word_count)];
        patch(to, at, below(2) ? some : 0, word->data, word->size);
      }
      break;
    case 5: {
      const struct bytes *other = &corpus[below(corpus_count)];
      const size_t from = below(other->size + 1);
      patch(to, at, some, other->data + from, below(other->size - from + 1));
      break;
    }
    default: {
      // A piece of itself again, as often as it may be.
      uint8_t piece[64];
      memcpy(piece, to->data + at, some);
      for (size_t times = below(4) ? 1 : below(300); times > 0 && some > 0; times--) patch(to, at, 0, piece, some);
    }
  }
}

static struct bytes load(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    perror(path);
    exit(2);
  }
  struct bytes bytes = {malloc(LONGEST), 0};
  bytes.size = fread(bytes.data, 1, LONGEST, file);
  fclose(file);
  return bytes;
}

static int by_name(const struct dirent **one, const struct dirent **other) { return strcmp((*one)->d_name, (*other)->d_name); }

static void add(const char *path) {
  struct stat stat_of;
  if (stat(path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode)) {
    struct dirent **entries;
    const int count = scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
      char inner[4096];
      snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
      if (entries[i]->d_name[0] != '.') add(inner);
      free(entries[i]);
    }
    if (count >= 0) free(entries);
  } else if (corpus_count < MOST) {
    corpus[corpus_count++] = load(path);
  }
}

// Lines of libFuzzer's dictionaries: "WORD", \\, \" and \xAB in it.
static void add_words(const char *path) {
  struct bytes file = load(path);
  const uint8_t *end = file.data + file.size;
  for (const uint8_t *at = file.data; at < end; at++) {
    if (*at == '#') while (at < end && *at != '\n') at++;
    if (at == end || *at != '"') continue;
    struct bytes word = {malloc(256), 0};
    for (at++; at < end && *at != '"' && word.size < 256; at++) {
      if (*at != '\\' || at + 1 == end) {
        word.data[word.size++] = *at;
      } else if (*++at == 'x' && at + 2 < end) {
        const char digits[] = {(char)at[1], (char)at[2], '\0'};
        word.data[word.size++] = (uint8_t)strtoul(digits, NULL, 16);
        at += 2;
      } else {
        word.data[word.size++] = *at;
      }
    }
    if (word_count < MOST) words[word_count++] = word;
  }
  free(file.data);
}

int main(int argc, char **argv) {
  unsigned long runs = 0;
  int print = 0;
  const char *prefix = "";
  for (int i = 1; i < argc; i++) {
    const char *value = strchr(argv[i], '=');
    if (argv[i][0] != '-')
      add(argv[i]);
    else if (value && strncmp(argv[i], "-runs=", 6) == 0)
      runs = strtoul(value + 1, NULL, 10);
    else if (value && strncmp(argv[i], "-seed=", 6) == 0)
      chance = strtoull(value + 1, NULL, 10) * 2 + 1;
    else if (value && strncmp(argv[i], "-max_len=", 9) == 0)
      max_length = strtoul(value + 1, NULL, 10);
    else if (value && strncmp(argv[i], "-dict=", 6) == 0)
      add_words(value + 1);
    else if (value && strncmp(argv[i], "-artifact_prefix=", 17) == 0)
      prefix = value + 1;
    else if (strcmp(argv[i], "-print=1") == 0)
      print = 1;
  }
  if (max_length > LONGEST) max_length = LONGEST;
  snprintf(artifact, sizeof artifact, "%scrash", prefix);
  __sanitizer_set_death_callback(keep);
  signal(SIGABRT, aborted);
  for (size_t i = 0; i < corpus_count; i++) {
    if (print && fuzz_print) fuzz_print(corpus[i].data, corpus[i].size);
    run(corpus[i].data, corpus[i].size);
  }
  if (corpus_count == 0) corpus[corpus_count++] = (struct bytes){malloc(1), 0};
  static uint8_t room[LONGEST];
  struct bytes input = {room, 0};
  for (unsigned long i = 0; i < runs; i++) {
    // Every now and then from a seed again, else from what the last one has become.
    if (i % 16 == 0) {
      const struct bytes *seed = &corpus[below(corpus_count)];
      input.size = seed->size < max_length ? seed->size : max_length;
      memcpy(input.data, seed->data, input.size);
    }
    for (size_t times = 1 + below(4); times > 0; times--) mutate(&input);
    run(input.data, input.size);
  }
  fprintf(stderr, "driver: %zu inputs of the corpus, %lu mutations\n", corpus_count, runs);
}
