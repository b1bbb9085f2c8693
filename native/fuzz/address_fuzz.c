// A --listen specification: what is taken can be written down again, and means the same.
#include "fuzz.h"

#include "../shim/address.c"
#include "../shim/text.c"

static const char *prefix(const struct address *address) {
  if (address->any_family.sa_family != AF_UNIX) return address->type == SOCK_STREAM ? "tcp:" : "udp:";
  return address->type == SOCK_STREAM ? "unix:" : address->type == SOCK_DGRAM ? "unixgram:" : "unixpacket:";
}

static void write_down(const struct address *address, char text[256]) {
  char host[INET6_ADDRSTRLEN];
  switch (address->any_family.sa_family) {
    case AF_INET:
      CHECK(address->length == sizeof address->four && !address->any);
      CHECK(inet_ntop(AF_INET, &address->four.sin_addr, host, sizeof host));
      snprintf(text, 256, "%s%s:%d", prefix(address), host, ntohs(address->four.sin_port));
      break;
    case AF_INET6:
      CHECK(address->length == sizeof address->six);
      CHECK(inet_ntop(AF_INET6, &address->six.sin6_addr, host, sizeof host));
      if (address->any)
        snprintf(text, 256, "%s%d", prefix(address), ntohs(address->six.sin6_port));
      else
        snprintf(text, 256, "%s[%s]:%d", prefix(address), host, ntohs(address->six.sin6_port));
      break;
    default: {
      CHECK(address->any_family.sa_family == AF_UNIX && address->length <= sizeof address->local && !address->any);
      const char *path = address_path(address);
      CHECK((path != NULL) == (address->local.sun_path[0] == '/'));
      if (path) CHECK(strlen(path) + 1 + offsetof(struct sockaddr_un, sun_path) == address->length);
      snprintf(text, 256, "%s%s%s", prefix(address), path ? "" : "@", path ? path : address->local.sun_path + 1);
    }
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct address address, again;
  // Arguments have no NUL.
  if (size > 0 && memchr(data, '\0', size)) return 0;
  const struct text spec = {(const char *)data, size};
  const char *wrong = address_parse(spec, &address);
  if (wrong) {
    CHECK(*wrong);
    return 0;
  }
  // What the status file has room for.
  CHECK(size <= ADDRESS_TEXT_MAX);
  char text[256];
  write_down(&address, text);
  CHECK(!address_parse((struct text){text, strlen(text)}, &again));
  CHECK(memcmp(&address, &again, sizeof address) == 0);
  return 0;
}
