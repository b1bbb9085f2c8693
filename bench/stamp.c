/* Writes the time of its start, nanoseconds of the monotonic clock, to the FIFO that $STAMP names, and waits. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
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
	fd = name ? open(name, O_WRONLY | O_CLOEXEC) : -1;
	if (fd < 0 || write(fd, &stamp, sizeof(stamp)) != sizeof(stamp))
		return 1;
	pause();
	return 0;
}
