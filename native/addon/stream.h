#pragma once

#include <cstddef>
#include <cstdint>

namespace finit {

// Sends one request to a SOCK_STREAM server at a path: connect and send are adjacent, with signals blocked, as the server may be one that
// serves a single client at a time (watchdogd is, and pings the hardware in the same thread). The connection, to be read from, or -errno;
// with an error nothing has been written.
int open_stream(const char* path, const uint8_t* request, size_t length);

// Waits for so many milliseconds at most: how much has come, 0 at the end, -EAGAIN when nothing has, -errno.
int read_stream(int fd, uint8_t* buffer, size_t length, int timeout_ms);

}  // namespace finit
