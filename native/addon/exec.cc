#include "exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace finit {

int exec(const std::string& path, const std::vector<std::string>& arguments, const std::vector<int>& keep) {
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  // libuv has closed-on-exec set on all that Node was started with, the standard ones too. What is not there is nothing to keep.
  for (const int fd : keep) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0) continue;
    if (::fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) != 0) return -errno;
  }
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action {};
    if (::sigaction(number, nullptr, &action) != 0 || action.sa_handler == SIG_DFL) continue;
    // Handlers are taken back by the kernel; what is ignored would stay so. SIGHUP may have been ignored for us, by nohup.
    if (action.sa_handler != SIG_IGN || number != SIGPIPE) continue;
    action.sa_handler = SIG_DFL;
    ::sigaction(number, &action, nullptr);
  }
  sigset_t none, before;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, &before);
  ::execv(path.c_str(), argv.data());
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return -error;
}

}  // namespace finit
