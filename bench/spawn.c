/*
 * Starts a program again and again, as cheaply as that can be done, its output thrown away:
 *
 *   spawn COUNT PROGRAM [ARGUMENT…]
 *
 * Prints the time of each from the start to its end in nanoseconds, one a line.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char *argv[])
{
	posix_spawn_file_actions_t actions;

	if (argc < 3) {
		fprintf(stderr, "usage: spawn COUNT PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (long i = atol(argv[1]); i > 0; i--) {
		int64_t begin = now();
		int status;
		pid_t pid;
		int error = posix_spawnp(&pid, argv[2], &actions, NULL, argv + 2, environ);

		if (error) {
			fprintf(stderr, "%s: %s\n", argv[2], strerror(error));
			return 1;
		}
		if (waitpid(pid, &status, 0) != pid || status != 0) {
			fprintf(stderr, "%s: status %d\n", argv[2], status);
			return 1;
		}
		printf("%lld\n", (long long)(now() - begin));
	}
	return 0;
}
