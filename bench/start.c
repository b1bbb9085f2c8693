/*
 * How long until a program has started, by itself or by a supervisor:
 *
 *   start COUNT FIFO PROGRAM [ARGUMENT…]
 *
 * PROGRAM, or what it starts, has to be stamp.c, which writes the time of its start to FIFO. Prints the nanoseconds from before the
 * fork to that time, one a line. What was started is killed then, with all of its process group.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char *argv[])
{
	int fifo;

	if (argc < 4 || (fifo = open(argv[2], O_RDWR | O_CLOEXEC | O_NONBLOCK)) < 0) {
		fprintf(stderr, "usage: start COUNT FIFO PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	for (long i = atol(argv[1]); i > 0; i--) {
		struct pollfd waiting = { .fd = fifo, .events = POLLIN };
		int64_t begin = now(), stamp;
		pid_t pid = vfork();

		if (pid == 0) {
			int null = open("/dev/null", O_RDWR);

			setpgid(0, 0);
			dup2(null, 1);
			dup2(null, 2);
			execv(argv[3], argv + 3);
			_exit(127);
		}
		if (pid < 0 || poll(&waiting, 1, 5000) != 1 || read(fifo, &stamp, sizeof(stamp)) != sizeof(stamp)) {
			fprintf(stderr, "%s: nothing has started\n", argv[3]);
			return 1;
		}
		kill(-pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		printf("%lld\n", (long long)(stamp - begin));
	}
	return 0;
}
