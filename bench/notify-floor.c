/*
 * Sends a datagram again and again on a descriptor that it keeps, the least that a notification can cost:
 *
 *   notify-floor NAME ROUNDS EACH PAUSE TEXT
 *
 * In each round EACH of them, as fast as it can, then PAUSE nanoseconds for the receiver to read them. Prints the time of one of them
 * in nanoseconds for each round, one a line; rounds in which the receiver's queue was full do not count.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char *argv[])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size;
	size_t length;
	long each;
	int fd;

	if (argc != 6 || strlen(argv[1]) > sizeof(address.sun_path) - 1) {
		fprintf(stderr, "usage: notify-floor NAME ROUNDS EACH PAUSE TEXT\n");
		return 2;
	}
	memcpy(address.sun_path + 1, argv[1], strlen(argv[1]));
	size = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[1]);
	each = atol(argv[3]);
	length = strlen(argv[5]);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	for (long round = atol(argv[2]); round > 0; round--) {
		int64_t begin = now(), end;
		int failed = 0;

		for (long i = 0; i < each; i++)
			if (sendto(fd, argv[5], length, MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&address, size) < 0)
				failed = 1;
		end = now();
		if (!failed)
			printf("%lld\n", (long long)((end - begin) / each));
		while (now() < end + atol(argv[4]))
			;
	}
	return 0;
}
