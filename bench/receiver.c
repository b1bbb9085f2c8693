/*
 * Reads datagrams and drops them, until it is killed:
 *
 *   receiver NAME awake|asleep
 *
 * NAME is abstract. awake: it looks for the next one all the time, so that a sender has nobody to wake up; asleep: it waits in recv().
 * Says "ready" when it is.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char *argv[])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char buffer[4096];
	int fd, flags;

	if (argc != 3 || strlen(argv[1]) > sizeof(address.sun_path) - 1) {
		fprintf(stderr, "usage: receiver NAME awake|asleep\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	memcpy(address.sun_path + 1, argv[1], strlen(argv[1]));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 1 + strlen(argv[1])) < 0) {
		perror(argv[1]);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	flags = strcmp(argv[2], "awake") ? 0 : MSG_DONTWAIT;
	while (recv(fd, buffer, sizeof(buffer), flags) >= 0 || errno == EAGAIN || errno == EINTR)
		;
	perror("recv");
	return 1;
}
