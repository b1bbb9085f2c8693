/* The least that a supervisor can be, for comparison: starts its arguments, waits in epoll for signals, ends when they do. */
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char *argv[])
{
	struct epoll_event event = { .events = EPOLLIN };
	struct signalfd_siginfo info;
	sigset_t all, before;
	int epoll = epoll_create1(EPOLL_CLOEXEC), signals, status;
	pid_t pid;

	if (argc < 2)
		return 2;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	signals = signalfd(-1, &all, SFD_CLOEXEC);
	epoll_ctl(epoll, EPOLL_CTL_ADD, signals, &event);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		execv(argv[1], argv + 1);
		_exit(127);
	}
	while (epoll_wait(epoll, &event, 1, -1) > 0 && read(signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			kill(pid, info.ssi_signo);
		else if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
	return 1;
}
