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

// What a descriptor is, in one number: the file's type (st_mode & S_IFMT) >> 12, and of a socket << 8 its family, << 16 its type, and
// << 24 a 1 when it listens. Or -errno.
int descriptor_kind(int fd);
// Makes it close when a program is executed: 0, or -errno.
int close_on_exec(int fd);
// Closes what it was, and puts /dev/null in its place: nobody, in whatever thread, takes what gets that number next for it. 0, or
// -errno.
int retire_descriptor(int fd);

}  // namespace finit
