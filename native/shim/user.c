// --user, from /etc/passwd and /etc/group: what a static program can have of them. libc's functions would bring their allocator,
// which is a fifth of the whole shim.
#include "shim.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

// Empty when it cannot be read.
static struct text file(const char *path) {
  struct text text = {"", 0};
  struct stat stat;
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  if (fstat(fd, &stat) == 0 && stat.st_size > 0) {
    void *map = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map != MAP_FAILED) text = (struct text){map, (size_t)stat.st_size};
  }
  close(fd);
  return text;
}

// It is needed at each restart, when the files may have been written anew in place.
static void keep(struct text *text) {
  static char room[4096];
  static size_t used;
  if (text->length > sizeof room - used) {
    log_line("--user %s: name, home and shell are too long", options.user);
    _exit(EXIT_USAGE);
  }
  memcpy(room + used, text->bytes, text->length);
  text->bytes = room + used;
  used += text->length;
}

void user_find(struct user *user) {
  struct text lacking;
  const struct text wanted = {options.user, strlen(options.user)};
  const char *what = accounts_find(wanted, file("/etc/passwd"), file("/etc/group"), user, &lacking);
  if (!what) {
    if (user->name.length == 0) return;
    keep(&user->name);
    keep(&user->home);
    keep(&user->shell);
    return;
  }
  log_line("--user %s: there is no %s %.*s", options.user, what, (int)lacking.length, lacking.bytes);
  _exit(EXIT_USAGE);
}
