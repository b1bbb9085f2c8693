// What of the addon has no Node in it, with real servers in threads of their own.
#include "check.h"

const char* current = "";

int main() {
  for (const auto& tests : {burst_tests(), loop_tests(), datagram_tests(), notify_socket_tests(), stream_tests()}) {
    for (const auto& test : tests) {
      current = test.name;
      test.run();
      printf("ok %s\n", test.name);
    }
  }
}
