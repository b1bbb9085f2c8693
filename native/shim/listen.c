#include "shim.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static _Noreturn void refuse(const struct listener *listener, const char *why) {
  log_line("--listen %.*s: %s", (int)listener->spec.length, listener->spec.bytes, why);
  _exit(EXIT_USAGE);
}

static _Noreturn void refuse_errno(const struct listener *listener) {
  log_line("--listen %.*s: %s", (int)listener->spec.length, listener->spec.bytes, strerror(errno));
  _exit(EXIT_SHIM);
}

static bool starts(struct text *text, const char *word) {
  const size_t length = strlen(word);
  if (text->length < length || memcmp(text->bytes, word, length) != 0) return false;
  text->bytes += length;
  text->length -= length;
  return true;
}

// ADDRESS:PORT, [ADDRESS]:PORT, or PORT for all addresses.
static socklen_t internet_address(const struct listener *listener, struct text rest, struct sockaddr_storage *storage) {
  char host[64] = "::";
  struct text port = rest;
  bool bracketed = true;
  for (size_t i = rest.length; i-- > 0;) {
    if (rest.bytes[i] != ':') continue;
    size_t length = i;
    const char *from = rest.bytes;
    bracketed = length >= 2 && from[0] == '[' && from[length - 1] == ']';
    if (bracketed) from++, length -= 2;
    if (length == 0 || length >= sizeof host) refuse(listener, "the address is missing, or no address");
    memcpy(host, from, length);
    host[length] = '\0';
    port = (struct text){rest.bytes + i + 1, rest.length - i - 1};
    break;
  }
  uint64_t number;
  if (!number_parse(port, 65535, &number)) refuse(listener, "a port from 0 to 65535 is wanted at the end");
  struct sockaddr_in *four = (struct sockaddr_in *)storage;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
  memset(storage, 0, sizeof *storage);
  if (!bracketed && inet_pton(AF_INET, host, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons((uint16_t)number);
    return sizeof *four;
  }
  if (bracketed && inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)number);
    return sizeof *six;
  }
  refuse(listener, "the address has to be a number, such as 127.0.0.1, or [::1]; names are not looked up");
}

static void open_internet(struct listener *listener, int type, struct text rest) {
  struct sockaddr_storage storage;
  const bool any = memchr(rest.bytes, ':', rest.length) == NULL;
  socklen_t length = internet_address(listener, rest, &storage);
  const int on = 1, off = 0;
  listener->fd = socket(storage.ss_family, type | SOCK_CLOEXEC, 0);
  if (listener->fd < 0 && any && errno == EAFNOSUPPORT) {
    // A kernel without IPv6.
    const in_port_t port = ((struct sockaddr_in6 *)&storage)->sin6_port;
    memset(&storage, 0, sizeof storage);
    storage.ss_family = AF_INET;
    ((struct sockaddr_in *)&storage)->sin_port = port;
    length = sizeof(struct sockaddr_in);
    listener->fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  }
  if (listener->fd < 0) refuse_errno(listener);
  if (type == SOCK_STREAM && setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) refuse_errno(listener);
  if (storage.ss_family == AF_INET6 && setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof on) != 0)
    refuse_errno(listener);
  if (bind(listener->fd, (struct sockaddr *)&storage, length) != 0) refuse_errno(listener);
}

// A socket file that nobody listens on any more is in the way, and taken away.
static bool remove_stale(const struct sockaddr_un *address, socklen_t length, int type) {
  struct stat stat;
  if (lstat(address->sun_path, &stat) != 0 || !S_ISSOCK(stat.st_mode)) return false;
  const int probe = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0) return false;
  const bool stale = connect(probe, (const struct sockaddr *)address, length) != 0 && errno == ECONNREFUSED;
  close(probe);
  return stale && unlink(address->sun_path) == 0;
}

static void open_unix(struct listener *listener, int type, struct text path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (path.length < 2 || (*path.bytes != '/' && *path.bytes != '@')) refuse(listener, "an absolute path, or @NAME, is wanted");
  if (path.length >= sizeof address.sun_path) refuse(listener, "the path is longer than a socket's can be (107 bytes)");
  memcpy(address.sun_path, path.bytes, path.length);
  const bool abstract = *path.bytes == '@';
  if (abstract) address.sun_path[0] = '\0';
  const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length + !abstract);
  listener->fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
  if (listener->fd < 0) refuse_errno(listener);
  // Nobody shall get in before the mode is what it shall be.
  const mode_t before = umask(0777);
  int result = bind(listener->fd, (struct sockaddr *)&address, length);
  if (result != 0 && errno == EADDRINUSE && !abstract) {
    if (remove_stale(&address, length, type))
      result = bind(listener->fd, (struct sockaddr *)&address, length);
    else
      errno = EADDRINUSE;
  }
  umask(before);
  if (result != 0) refuse_errno(listener);
  if (abstract) return;
  if (process_uid() != (uid_t)-1 && chown(address.sun_path, process_uid(), process_gid()) != 0) refuse_errno(listener);
  if (chmod(address.sun_path, options.listen_mode) != 0) refuse_errno(listener);
  struct stat stat;
  if (lstat(address.sun_path, &stat) != 0) refuse_errno(listener);
  listener->device = stat.st_dev;
  listener->inode = stat.st_ino;
}

void listen_open(void) {
  for (int i = 0; i < options.listener_count; i++) {
    struct listener *listener = &options.listeners[i];
    struct text rest = listener->spec;
    int type = SOCK_STREAM;
    if (starts(&rest, "tcp:")) {
      open_internet(listener, type, rest);
    } else if (starts(&rest, "udp:")) {
      open_internet(listener, type = SOCK_DGRAM, rest);
    } else if (starts(&rest, "unix:")) {
      open_unix(listener, type, rest);
    } else if (starts(&rest, "unixgram:")) {
      open_unix(listener, type = SOCK_DGRAM, rest);
    } else if (starts(&rest, "unixpacket:")) {
      open_unix(listener, type = SOCK_SEQPACKET, rest);
    } else {
      refuse(listener, "tcp:, udp:, unix:, unixgram: or unixpacket: is wanted at the beginning");
    }
    if (type != SOCK_DGRAM && listen(listener->fd, SOMAXCONN) != 0) refuse_errno(listener);
  }
}

void listen_remove(void) {
  for (int i = 0; i < options.listener_count; i++) {
    const struct listener *listener = &options.listeners[i];
    if (listener->inode == 0) continue;
    const char *colon = memchr(listener->spec.bytes, ':', listener->spec.length);
    char path[128];
    const size_t length = listener->spec.length - (size_t)(colon + 1 - listener->spec.bytes);
    memcpy(path, colon + 1, length);
    path[length] = '\0';
    struct stat stat;
    // Somebody else's by now?
    if (lstat(path, &stat) == 0 && stat.st_dev == listener->device && stat.st_ino == listener->inode) unlink(path);
  }
}
