/*
 * Writes the time of its start, nanoseconds of the monotonic clock, to the FIFO that $STAMP names, and waits for its supervisor's end, some
 * of which give it a process group of its own.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
	const char *name = getenv("STAMP");
	struct timespec ts;
	int64_t stamp;
	int fd;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	stamp = ts.tv_sec * 1000000000LL + ts.tv_nsec;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = name ? open(name, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0 || write(fd, &stamp, sizeof(stamp)) != sizeof(stamp))
		return 1;
	/* Had it ended before that, nobody would tell. */
	alarm(60);
	pause();
	return 0;
}
