/*
 * A control socket with as many services as wanted, to see whether the cost of a list is linear: no finit has a thousand. Serves as
 * finit does (api_cb() in src/api.c), the iterator's requests only; all services are one captured record.
 *
 *   fake SOCKET RECORD-FILE PID-OFFSET NAME-OFFSET COUNT
 *
 * Prints a line when it listens; ends with its standard input.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct request {
	int32_t magic, cmd, runlevel, sleeptime;
	char data[368];
};

static char record[65536], none[65536];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

int main(int argc, char *argv[])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int32_t end = -1;

	if (argc != 6) {
		fprintf(stderr, "usage: fake SOCKET RECORD-FILE PID-OFFSET NAME-OFFSET COUNT\n");
		return 2;
	}
	strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
	FILE *file = fopen(argv[2], "r");
	if (!file)
		die(argv[2]);
	size_t length = fread(record, 1, sizeof(record), file);
	size_t name_offset = strtoul(argv[4], NULL, 0);
	int64_t count = atoll(argv[5]), at = 0;
	memcpy(none + strtoul(argv[3], NULL, 0), &end, sizeof(end));
	int server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof(address)) || listen(server, 10))
		die(argv[1]);
	puts("listening");
	fflush(stdout);

	for (;;) {
		struct pollfd fds[] = { { server, POLLIN, 0 }, { 0, POLLIN, 0 } };
		struct request request;

		if (poll(fds, 2, -1) < 0)
			die("poll");
		if (fds[1].revents)
			return 0;
		int sd = accept(server, NULL, NULL);
		if (sd < 0)
			die("accept");
		if (read(sd, &request, sizeof(request)) == sizeof(request)) {
			if (request.runlevel)
				at = 0;
			if (at < count) {
				/* TAILQ_ENTRY: where the next one is, and the one before; as if they lay in a row. */
				int64_t links[] = { at + 1 < count ? (at + 2) << 16 : 0, at << 16 };

				memcpy(record, links, sizeof(links));
				snprintf(record + name_offset, 16, "s%lld", (long long)at++);
				send(sd, record, length, MSG_NOSIGNAL);
			} else {
				send(sd, none, length, MSG_NOSIGNAL);
			}
		}
		close(sd);
	}
}
