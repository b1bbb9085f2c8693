#include "address.h"

#include <arpa/inet.h>
#include <string.h>

static bool starts(struct text *text, const char *word) {
  const size_t length = strlen(word);
  if (text->length < length || memcmp(text->bytes, word, length) != 0) return false;
  text->bytes += length;
  text->length -= length;
  return true;
}

// ADDRESS:PORT, [ADDRESS]:PORT, or PORT for all addresses.
static const char *internet(struct text rest, struct address *address) {
  char host[64] = "::";
  struct text port = rest;
  bool bracketed = true;
  address->any = true;
  for (size_t i = rest.length; i-- > 0;) {
    if (rest.bytes[i] != ':') continue;
    size_t length = i;
    const char *from = rest.bytes;
    bracketed = length >= 2 && from[0] == '[' && from[length - 1] == ']';
    if (bracketed) from++, length -= 2;
    if (length == 0 || length >= sizeof host) return "the address is missing, or no address";
    memcpy(host, from, length);
    host[length] = '\0';
    port = (struct text){rest.bytes + i + 1, rest.length - i - 1};
    address->any = false;
    break;
  }
  uint64_t number;
  if (port.length > 5 || !number_parse(port, 65535, &number)) return "a port from 0 to 65535 is wanted at the end";
  if (!bracketed && inet_pton(AF_INET, host, &address->four.sin_addr) == 1) {
    address->four.sin_family = AF_INET;
    address->four.sin_port = htons((uint16_t)number);
    address->length = sizeof address->four;
    return NULL;
  }
  if (bracketed && inet_pton(AF_INET6, host, &address->six.sin6_addr) == 1) {
    address->six.sin6_family = AF_INET6;
    address->six.sin6_port = htons((uint16_t)number);
    address->length = sizeof address->six;
    return NULL;
  }
  return "the address has to be a number, such as 127.0.0.1, or [::1]; names are not looked up";
}

static const char *local(struct text path, struct address *address) {
  struct sockaddr_un *name = &address->local;
  if (path.length < 2 || (*path.bytes != '/' && *path.bytes != '@')) return "an absolute path, or @NAME, is wanted";
  if (path.length >= sizeof name->sun_path) return "the path is longer than a socket's can be (107 bytes)";
  name->sun_family = AF_UNIX;
  memcpy(name->sun_path, path.bytes, path.length);
  const bool abstract = *path.bytes == '@';
  if (abstract) name->sun_path[0] = '\0';
  address->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.length + !abstract);
  return NULL;
}

const char *address_parse(struct text spec, struct address *address) {
  static const struct {
    const char *prefix;
    int type;
    const char *(*parse)(struct text rest, struct address *address);
  } kinds[] = {
      {"tcp:", SOCK_STREAM, internet}, {"udp:", SOCK_DGRAM, internet},         {"unix:", SOCK_STREAM, local},
      {"unixgram:", SOCK_DGRAM, local}, {"unixpacket:", SOCK_SEQPACKET, local},
  };
  memset(address, 0, sizeof *address);
  for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (!starts(&spec, kinds[i].prefix)) continue;
    address->type = kinds[i].type;
    return kinds[i].parse(spec, address);
  }
  return "tcp:, udp:, unix:, unixgram: or unixpacket: is wanted at the beginning";
}

const char *address_path(const struct address *address) {
  return address->any_family.sa_family == AF_UNIX && address->local.sun_path[0] != '\0' ? address->local.sun_path : NULL;
}
