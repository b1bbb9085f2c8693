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
  std::vector<int> opened;
  for (const int fd : keep) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags >= 0 && (flags & FD_CLOEXEC) && ::fcntl(fd, F_SETFD, flags & ~FD_CLOEXEC) == 0) opened.push_back(fd);
  }
  // Handlers are taken back by the kernel; what is ignored would stay so. SIGHUP may have been ignored for us, by nohup.
  struct sigaction standard {}, pipe_before {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &standard, &pipe_before);
  sigset_t none, before;
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &none, &before);
  ::execv(path.c_str(), argv.data());
  const int error = errno;
  // Node goes on: a SIGPIPE would end it, and programs that it starts would get the descriptors.
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::sigaction(SIGPIPE, &pipe_before, nullptr);
  for (const int fd : opened) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return -error;
}

}  // namespace finit
