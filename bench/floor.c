/*
 * The floor under node-finit's figures: what a C program needs for the same exchanges with finit's control socket, with nothing around
 * them. It decodes nothing.
 *
 *   floor SOCKET PID-OFFSET COUNT get NAME     SVC_FIND, one connection each
 *   floor SOCKET PID-OFFSET COUNT list         all services, in lock-step: the next request after the answer
 *   floor SOCKET PID-OFFSET COUNT pipelined    the same with 8 connections waiting in finit's listen backlog
 *
 * PID-OFFSET is that of `pid` in finit's record (src/protocol/record-layouts.ts).
 * Prints the time of each round in nanoseconds, one a line.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { MAGIC = 0x03091969, ITER = 129, FIND = 131, WINDOW = 8 };

struct request {
	int32_t magic, cmd, runlevel, sleeptime;
	char data[368];
};

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static char buffer[65536];
static size_t pid_offset;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int ask(const struct request *request)
{
	int sd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sd < 0)
		die("socket");
	if (connect(sd, (struct sockaddr *)&address, sizeof(address)))
		die("connect");
	if (send(sd, request, sizeof(*request), MSG_NOSIGNAL) != sizeof(*request))
		die("send");
	shutdown(sd, SHUT_WR);
	return sd;
}

/* 0 for the record that says "none" */
static int answer(int sd)
{
	ssize_t length = recv(sd, buffer, sizeof(buffer), 0);
	int32_t pid;

	if (length <= 0)
		die("recv");
	close(sd);
	memcpy(&pid, buffer + pid_offset, sizeof(pid));
	return pid >= 0;
}

static void lockstep(void)
{
	struct request request = { .magic = MAGIC, .cmd = ITER, .runlevel = 1 };

	while (answer(ask(&request)))
		request.runlevel = 0;
}

static void pipelined(void)
{
	struct request request = { .magic = MAGIC, .cmd = ITER, .runlevel = 1 };
	int open[WINDOW], first = 0, count = 0, more = 1;

	while (more || count) {
		while (more && count < WINDOW) {
			open[(first + count++) % WINDOW] = ask(&request);
			request.runlevel = 0;
		}
		if (!answer(open[first]))
			more = 0;
		first = (first + 1) % WINDOW;
		count--;
	}
}

static void get(const char *name)
{
	struct request request = { .magic = MAGIC, .cmd = FIND };

	strncpy(request.data, name, sizeof(request.data) - 1);
	answer(ask(&request));
}

static int64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

int main(int argc, char *argv[])
{
	if (argc < 5) {
		fprintf(stderr, "usage: floor SOCKET PID-OFFSET COUNT get NAME|list|pipelined\n");
		return 2;
	}
	strncpy(address.sun_path, argv[1], sizeof(address.sun_path) - 1);
	pid_offset = strtoul(argv[2], NULL, 0);
	long count = atol(argv[3]);
	for (long i = 0; i < count; i++) {
		int64_t begin = now();

		if (!strcmp(argv[4], "get"))
			get(argc > 5 ? argv[5] : "");
		else if (!strcmp(argv[4], "list"))
			lockstep();
		else
			pipelined();
		printf("%lld\n", (long long)(now() - begin));
	}
	return 0;
}
