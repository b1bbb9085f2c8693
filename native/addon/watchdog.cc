#include "watchdog.h"

#include <errno.h>
#include <sys/ioctl.h>

namespace finit {

int watchdog_support(int fd, watchdog_info& info) { return ::ioctl(fd, WDIOC_GETSUPPORT, &info) == 0 ? 0 : -errno; }

int watchdog_get(int fd, WatchdogValue what) {
  unsigned long request = 0;
  switch (what) {
    case WatchdogValue::status: request = WDIOC_GETSTATUS; break;
    case WatchdogValue::boot_status: request = WDIOC_GETBOOTSTATUS; break;
    case WatchdogValue::timeout: request = WDIOC_GETTIMEOUT; break;
    case WatchdogValue::pretimeout: request = WDIOC_GETPRETIMEOUT; break;
    case WatchdogValue::time_left: request = WDIOC_GETTIMELEFT; break;
    default: return -EINVAL;
  }
  int value = 0;
  if (::ioctl(fd, request, &value) != 0) return -errno;
  return value < 0 ? -ERANGE : value;
}

int watchdog_set(int fd, WatchdogValue what, int value) {
  unsigned long request = 0;
  switch (what) {
    case WatchdogValue::timeout: request = WDIOC_SETTIMEOUT; break;
    case WatchdogValue::pretimeout: request = WDIOC_SETPRETIMEOUT; break;
    case WatchdogValue::options: request = WDIOC_SETOPTIONS; break;
    default: return -EINVAL;
  }
  if (::ioctl(fd, request, &value) != 0) return -errno;
  return value < 0 ? -ERANGE : value;
}

}  // namespace finit
