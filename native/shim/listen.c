#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"

// What had been bound before is not left behind.
static _Noreturn void refuse(const struct listener *listener, const char *why, int status) {
  log_line("--listen %.*s: %s", (int)listener->spec.length, listener->spec.bytes, why);
  listen_remove();
  _exit(status);
}

static _Noreturn void refuse_errno(const struct listener *listener) { refuse(listener, strerror(errno), EXIT_SHIM); }

static void open_internet(struct listener *listener, struct address *address) {
  const int on = 1, off = 0;
  const int type = address->type | SOCK_CLOEXEC;
  listener->fd = socket(address->any_family.sa_family, type, 0);
  if (listener->fd < 0 && address->any && errno == EAFNOSUPPORT) {
    // A kernel without IPv6.
    const in_port_t port = address->six.sin6_port;
    address->four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port};
    address->length = sizeof address->four;
    listener->fd = socket(AF_INET, type, 0);
  }
  if (listener->fd < 0) refuse_errno(listener);
  if (address->type == SOCK_STREAM && setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) refuse_errno(listener);
  if (address->any_family.sa_family == AF_INET6 &&
      setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, address->any ? &off : &on, sizeof on) != 0)
    refuse_errno(listener);
  if (bind(listener->fd, &address->any_family, address->length) != 0) refuse_errno(listener);
}

// A socket file that nobody listens on any more is in the way, and taken away.
static bool remove_stale(const struct address *address) {
  struct stat stat;
  if (lstat(address_path(address), &stat) != 0 || !S_ISSOCK(stat.st_mode)) return false;
  const int probe = socket(AF_UNIX, address->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  const bool stale = connect(probe, &address->any_family, address->length) != 0 && errno == ECONNREFUSED;
  close(probe);
  return stale && unlink(address_path(address)) == 0;
}

static void open_local(struct listener *listener, const struct address *address) {
  const char *path = address_path(address);
  listener->fd = socket(AF_UNIX, address->type | SOCK_CLOEXEC, 0);
  if (listener->fd < 0) refuse_errno(listener);
  // Its mode from the first moment on: what is at the path later may be somebody else's, and a link.
  const mode_t before = umask(0777 & ~options.listen_mode);
  int result = bind(listener->fd, &address->any_family, address->length);
  if (result != 0 && errno == EADDRINUSE && path) {
    if (remove_stale(address))
      result = bind(listener->fd, &address->any_family, address->length);
    else
      errno = EADDRINUSE;
  }
  umask(before);
  if (result != 0) refuse_errno(listener);
  if (!path) return;
  struct stat stat;
  const int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (file < 0 || fstat(file, &stat) != 0) refuse_errno(listener);
  if (!S_ISSOCK(stat.st_mode)) refuse(listener, "somebody has put something else there", EXIT_SHIM);
  listener->device = stat.st_dev;
  listener->inode = stat.st_ino;
  if (process_uid() != (uid_t)-1 && fchownat(file, "", process_uid(), process_gid(), AT_EMPTY_PATH) != 0) refuse_errno(listener);
  close(file);
}

void listen_open(void) {
  for (int i = 0; i < options.listener_count; i++) {
    struct listener *listener = &options.listeners[i];
    struct address address;
    const char *wrong = address_parse(listener->spec, &address);
    if (wrong) refuse(listener, wrong, EXIT_USAGE);
    if (address.any_family.sa_family == AF_UNIX)
      open_local(listener, &address);
    else
      open_internet(listener, &address);
    if (address.type != SOCK_DGRAM && listen(listener->fd, SOMAXCONN) != 0) refuse_errno(listener);
  }
}

void listen_remove(void) {
  for (int i = 0; i < options.listener_count; i++) {
    const struct listener *listener = &options.listeners[i];
    struct address address;
    struct stat stat;
    if (listener->inode == 0 || address_parse(listener->spec, &address) != NULL) continue;
    const char *path = address_path(&address);
    // Somebody else's by now?
    if (lstat(path, &stat) == 0 && stat.st_dev == listener->device && stat.st_ino == listener->inode) unlink(path);
  }
}
