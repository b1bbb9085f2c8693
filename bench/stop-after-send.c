/* For LD_PRELOAD: stops the process right after each send(). */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

ssize_t send(int sd, const void *data, size_t length, int flags)
{
	static ssize_t (*real)(int, const void *, size_t, int);

	if (!real)
		real = dlsym(RTLD_NEXT, "send");
	ssize_t sent = real(sd, data, length, flags);
	int error = errno;
	kill(getpid(), SIGSTOP);
	errno = error;
	return sent;
}
