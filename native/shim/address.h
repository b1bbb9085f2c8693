// Where --listen listens: a pure function of its text.
#ifndef FINIT_SHIM_ADDRESS_H
#define FINIT_SHIM_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "text.h"

struct address {
  int type;  // SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET
  bool any;  // only a port was given: all addresses, IPv4's too
  union {
    struct sockaddr any_family;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
    struct sockaddr_un local;
  };
  socklen_t length;
};

// The longest that one can be.
#define ADDRESS_TEXT_MAX (sizeof "unixpacket:" - 1 + sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

// NULL, or what is wrong with it.
const char *address_parse(struct text spec, struct address *address);

// Of a socket in the file system: its path, ended by NUL. Else NULL.
const char *address_path(const struct address *address);

#endif
