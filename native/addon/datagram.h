// Single messages, sent at once or not at all.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fd.h"

namespace finit {

// All return 0 (or a value) or -errno, never wait, and never raise SIGPIPE.
// `sender` is the caller's to keep: opened at the first use, unbound and unconnected, so that one serves every address.
int send_datagram(Fd& sender, const uint8_t* address, size_t address_length, const uint8_t* payload, size_t length);
int send_descriptor(int fd, const uint8_t* payload, size_t length);
int socket_type(int fd);

}  // namespace finit
