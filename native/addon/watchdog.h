#pragma once

#include <linux/watchdog.h>

namespace finit {

// The ioctls of /dev/watchdogN (linux/watchdog.h). All give -errno when they fail.

enum class WatchdogValue { status, boot_status, timeout, pretimeout, time_left, options };

int watchdog_support(int fd, watchdog_info& info);
// The value, which is never negative; options cannot be asked for.
int watchdog_get(int fd, WatchdogValue what);
// timeout, pretimeout (seconds) and options (WDIOS_…): what the driver has made of it.
int watchdog_set(int fd, WatchdogValue what, int value);

}  // namespace finit
