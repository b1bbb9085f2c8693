/*
 * A service that tells its supervisor more than anybody wants to know, as fast as that reads it:
 *
 *   storm COUNT
 *
 * Sends COUNT times a status, after each hundredth of them WATCHDOG=1, and READY=1 in the middle; then BARRIER=1, which is answered when
 * all of it has been read. Prints the nanoseconds that it took for each of the messages, and waits.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int say(int fd, const char *text)
{
	return send(fd, text, strlen(text), MSG_NOSIGNAL) < 0;
}

static int barrier(int fd)
{
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr alignment;
	} control = { 0 };
	struct iovec piece = { "BARRIER=1", 9 };
	struct msghdr message = {
		.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int ends[2];
	char byte;

	if (pipe(ends) < 0)
		return 1;
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		return 1;
	close(ends[1]);
	return read(ends[0], &byte, 1) != 0;
}

int main(int argc, char *argv[])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *name = getenv("NOTIFY_SOCKET");
	long count, sent = 0;
	int64_t begin;
	int fd;

	if (argc != 2 || !name || *name != '@' || strlen(name) > sizeof(address.sun_path)) {
		fprintf(stderr, "usage: NOTIFY_SOCKET=@NAME storm COUNT\n");
		return 2;
	}
	memcpy(address.sun_path + 1, name + 1, strlen(name) - 1);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + strlen(name)) < 0)
		return 1;
	count = atol(argv[1]);
	begin = now();
	for (long i = 0; i < count; i++) {
		char text[64];

		snprintf(text, sizeof(text), "STATUS=%ld requests served", i);
		if (say(fd, text))
			return 1;
		sent++;
		if (i % 100 == 0 && (sent++, say(fd, "WATCHDOG=1")))
			return 1;
		if (i == count / 2 && (sent++, say(fd, "READY=1")))
			return 1;
	}
	if (barrier(fd))
		return 1;
	printf("%lld\n", (long long)((now() - begin) / sent));
	fflush(stdout);
	pause();
	return 0;
}
