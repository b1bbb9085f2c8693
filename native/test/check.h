// What the tests of the addon's native parts share. They are made for the sanitizers: `npm test` builds and runs them with ASan + UBSan
// and with TSan (test/native/sanitizers.test.ts).
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <string>
#include <vector>

#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      fprintf(stderr, "%s: %s:%d: %s\n", current, __FILE__, __LINE__, #condition);       \
      exit(1);                                                                           \
    }                                                                                    \
  } while (0)

// The test that runs.
extern const char* current;

struct Test {
  const char* name;
  void (*run)();
};
#define TEST(name) {#name, name}
using Tests = std::vector<Test>;

Tests burst_tests();
Tests loop_tests();
Tests datagram_tests();
Tests notify_socket_tests();
Tests stream_tests();

inline sockaddr_un abstract(const std::string& name, socklen_t* length) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  memcpy(address.sun_path + 1, name.data(), name.size());
  *length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return address;
}

// Gives time for what has to happen on another thread; the test fails if it does not.
template <typename Condition>
void eventually(Condition condition) {
  for (int i = 0; i < 60000 && !condition(); i++) usleep(1000);
  CHECK(condition());
}
