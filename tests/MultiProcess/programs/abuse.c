/* What programs do around a netmap descriptor, by habit or in malice: abuse TEST. Each test runs in a process of its own. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define MASTER	"ab{1"
#define SLAVE	"ab}1"

extern char **environ;

/* A frame goes through: both ends are whole. */
static void
works(struct port *a, struct port *b, uint32_t number)
{
	struct pollfd fd = { .fd = b->fd, .events = POLLIN };

	send_one(a, number);
	CHECK(poll(&fd, 1, 10000) == 1 && fd.revents == POLLIN);
	CHECK(take_all(b, number) == 1);
	CHECK(ioctl(b->fd, NIOCRXSYNC, NULL) == 0);
}

/* The child of vfork closes everything in the parent's memory; so does what posix_spawn is told to do. */
static void
vforks(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	char *words[] = { "true", NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;

	works(&a, &b, 0);
	for (int how = 0; how < 4; how++) {
		child = vfork();
		if (child == 0) {
			if (how == 0)
				close(a.fd);
			else if (how == 1)
				dup2(2, a.fd);
			else if (how == 2)
				close_range(3, ~0u, 0);
			else
				closefrom(3);
			execve("/bin/true", words, environ);
			_exit(127);
		}
		wait_for(child);
		works(&a, &b, 1 + how);
	}
	CHECK(posix_spawn_file_actions_init(&actions) == 0);
	CHECK(posix_spawn_file_actions_addclose(&actions, a.fd) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&actions, 2, b.fd) == 0);
	CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
	CHECK(posix_spawn(&child, "/bin/true", &actions, NULL, words, environ) == 0);
	wait_for(child);
	works(&a, &b, 5);
	CHECK(system("true") == 0);
	works(&a, &b, 6);
}

/* A program closes all but its own descriptors: it has no others, so that changes nothing. */
static void
sweeps(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	int last = a.fd > b.fd ? a.fd : b.fd, mine, fds[900];

	works(&a, &b, 0);
	for (int fd = 3; fd < 4096; fd++) {
		if (fd != a.fd && fd != b.fd)
			close(fd);
	}
	works(&a, &b, 1);
	CHECK(close_range((unsigned int)last + 1, ~0u, 0) == 0);
	works(&a, &b, 2);
	CHECK(close_range((unsigned int)last + 1, ~0u, CLOSE_RANGE_CLOEXEC) == 0);
	REFUSED(close_range(9, 3, 0), EINVAL);
	REFUSED(close_range(3, ~0u, 0x80), EINVAL);
	works(&a, &b, 3);
	closefrom(last + 1);
	works(&a, &b, 4);
	/* Numbers it has never seen are free to it. */
	for (int fd = last + 1; fd < 1000; fd++)
		CHECK(dup2(2, fd) == fd);
	works(&a, &b, 5);
	for (int fd = last + 1; fd < 1000; fd++)
		CHECK(close(fd) == 0);
	works(&a, &b, 6);
	/* The lowest number is the next one a program gets. */
	mine = open("/dev/null", O_RDONLY);
	CHECK(mine >= 0 && mine <= last + 1);
	/* All of them, the ports' own too: the memory stays, and what is opened then is not closed with it. */
	for (int fd = 3; fd < 4096; fd++)
		close(fd);
	mine = open("/dev/null", O_RDONLY);
	for (int i = 0; i < 900; i++)
		fds[i] = dup(mine);
	CHECK(munmap(a.memory, a.reg.nr_memsize) == 0 && munmap(b.memory, b.reg.nr_memsize) == 0);
	for (int i = 0; i < 900; i++)
		CHECK(fcntl(fds[i], F_GETFD) >= 0);
}

/* A daemon: the child closes all it has inherited, and opens its own. */
static void
daemons(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	pid_t child;

	works(&a, &b, 0);
	child = fork();
	if (child == 0) {
		struct port c, d;

		for (int fd = 3; fd < 4096; fd++)
			close(fd);
		c = open_port("ab{2", 0);
		d = open_port("ab}2", 0);
		works(&c, &d, 0);
		CHECK(munmap(a.memory, a.reg.nr_memsize) == 0 && munmap(b.memory, b.reg.nr_memsize) == 0);
		works(&c, &d, 1);
		_exit(0);
	}
	wait_for(child);
	works(&a, &b, 1);
}

/* Other ways for a descriptor to arrive in a process: recvmmsg(2), which leaves it at once ready to be polled, and pidfd_getfd(2). */
static void
arrivals(void)
{
	struct port a = open_port(MASTER, 0);
	int sockets[2];
	pid_t child, parent = getpid();

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	pass(sockets[0], a.fd);
	child = fork();
	if (child == 0) {
		char byte, control[CMSG_SPACE(sizeof(int))];
		struct iovec part = { &byte, 1 };
		struct mmsghdr message = { .msg_hdr = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) } };
		int fd, number = a.fd, pidfd;

		close(a.fd);
		CHECK(recvmmsg(sockets[1], &message, 1, 0, NULL) == 1);
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message.msg_hdr)), sizeof(int));
		CHECK(poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 10000) == 1);
		CHECK(ioctl(fd, NIOCTXSYNC, NULL) == 0);
		close(fd);
		pidfd = (int)syscall(SYS_pidfd_open, parent, 0);
		CHECK(pidfd >= 0);
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
		/* Kernels may refuse it to a child. */
		CHECK(fd >= 0 || errno == EPERM);
		if (fd >= 0)
			CHECK(mmap(NULL, a.reg.nr_memsize, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED && ioctl(fd, NIOCTXSYNC, NULL) == 0);
		_exit(0);
	}
	wait_for(child);
	send_one(&a, 0);
}

static void *
poll_forever(void *argument)
{
	struct pollfd fd = { .fd = ((struct port *)argument)->fd, .events = POLLIN };

	for (;;)
		poll(&fd, 1, -1);
	return NULL;
}

/* Threads that sleep in poll are cancelled, more of them than a file has ways in; nothing of them stays. */
static void
cancels(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	pthread_t thread;

	for (uint32_t i = 0; i < 150; i++) {
		CHECK(pthread_create(&thread, NULL, poll_forever, &b) == 0);
		usleep(i % 3 * 500);
		CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, NULL) == 0);
		works(&a, &b, i);
	}
}

static _Atomic(bool) stop;
static _Atomic(int) number = -1;

static void *
poll_number(void *argument)
{
	(void)argument;
	while (!stop) {
		struct pollfd fd = { .fd = number, .events = POLLIN | POLLOUT };

		if (poll(&fd, 1, 1) < 0)
			CHECK(errno == EBADF || errno == EINTR);
	}
	return NULL;
}

static void *
sync_number(void *argument)
{
	(void)argument;
	while (!stop) {
		if (ioctl(number, NIOCTXSYNC, NULL) < 0)
			CHECK(errno == EBADF || errno == ENXIO || errno == EIO || errno == ENOTTY || errno == EMFILE);
	}
	return NULL;
}

/* The file is opened and closed while other threads poll and sync its number. */
static void
races(void)
{
	pthread_t pollers[2], syncer;
	struct port a, b;

	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&pollers[i], NULL, poll_number, NULL) == 0);
	CHECK(pthread_create(&syncer, NULL, sync_number, NULL) == 0);
	for (int i = 0; i < 300; i++) {
		struct port p = open_port("vale0:r", 0);

		number = p.fd;
		if (i % 3 == 0)
			usleep(1000);
		CHECK(munmap(p.memory, p.reg.nr_memsize) == 0);
		if (i % 2 == 0)
			sched_yield();
		CHECK(close(p.fd) == 0);
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(pollers[i], NULL) == 0);
	CHECK(pthread_join(syncer, NULL) == 0);
	a = open_port(MASTER, 0);
	b = open_port(SLAVE, 0);
	works(&a, &b, 0);
}

/* Children come and go, and use the port, while other threads of the parent poll and sync it. */
static void
forks_beside_threads(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	pthread_t poller, syncer;

	number = a.fd;
	CHECK(pthread_create(&poller, NULL, poll_number, NULL) == 0 && pthread_create(&syncer, NULL, sync_number, NULL) == 0);
	for (uint32_t i = 0; i < 100; i++) {
		pid_t child = fork();

		if (child == 0) {
			CHECK(ioctl(a.fd, NIOCRXSYNC, NULL) == 0);
			_exit(0);
		}
		wait_for(child);
	}
	stop = true;
	CHECK(pthread_join(poller, NULL) == 0 && pthread_join(syncer, NULL) == 0);
	works(&a, &b, 0);
}

static _Atomic(int) signals_seen;
static struct port *signalled;

static void
sync_in_handler(int signal)
{
	(void)signal;
	signals_seen++;
	CHECK(ioctl(signalled->fd, NIOCRXSYNC, NULL) == 0);
}

/* A timer interrupts syncs and polls ten thousand times a second; its handler syncs, too. */
static void
interruptions(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct sigaction action = { .sa_handler = sync_in_handler };
	struct itimerspec often = { { 0, 100000 }, { 0, 100000 } };
	timer_t timer;

	signalled = &a;
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0 && timer_settime(timer, 0, &often, NULL) == 0);
	for (uint32_t i = 0; i < 20000 || signals_seen < 1000; i++) {
		struct pollfd fd = { .fd = b.fd, .events = POLLIN };

		send_one(&a, i);
		while (poll(&fd, 1, -1) < 0)
			CHECK(errno == EINTR);
		CHECK(take_all(&b, i) == 1);
	}
}

static void *
sync_twice(void *argument)
{
	struct port *port = argument;

	for (int i = 0; i < 3000; i++)
		CHECK(ioctl(port->fd, i % 2 ? NIOCTXSYNC : NIOCRXSYNC, NULL) == 0);
	return NULL;
}

/* The memory goes and comes back while another thread syncs: netmap does not need the program's mapping. */
static void
unmaps(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, sync_twice, &a) == 0);
	for (int i = 0; i < 300; i++) {
		CHECK(munmap(a.memory, a.reg.nr_memsize) == 0);
		map_port(&a);
	}
	CHECK(pthread_join(thread, NULL) == 0);
	works(&a, &b, 0);
}

/* As many opens as the system gives, again and again, with one descriptor more or less left for the last request. */
static void
opens(void)
{
	struct rlimit few = { 300, 300 };
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);

	works(&a, &b, 0);
	for (int round = 0; round < 5; round++) {
		int fds[400], count = 0;

		few.rlim_cur = 300 - round;
		CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
		while (count < 400 && (fds[count] = open("/dev/netmap", O_RDWR)) >= 0) {
			struct nmreq_register reg = { 0 };

			if (count % 2 == 0 && try_register(fds[count], MASTER, &reg) < 0)
				CHECK(errno == EMFILE || errno == ENOMEM || errno == EBUSY);
			count++;
		}
		CHECK(count < 400 && errno == EMFILE);
		works(&a, &b, 1 + round);
		while (count > 0)
			CHECK(close(fds[--count]) == 0);
	}
}

/* A new file asks for something: ENXIO, as it is bound to no port, or why it is no file. */
static int
ask_new(int *fd)
{
	*fd = open("/dev/netmap", O_RDWR);
	CHECK(*fd >= 0);
	CHECK(ioctl(*fd, NIOCTXSYNC, NULL) < 0);
	return errno;
}

/* The server gives a user 256 files: the next one hears so, as often as it asks, and one that is closed makes room. */
static void
limits(void)
{
	int fds[300], count = 0, fd, error;

	while (count < 300 && (error = ask_new(&fds[count])) == ENXIO)
		count++;
	CHECK(count == 256 && error == EMFILE);
	REFUSED(ioctl(fds[count], NIOCRXSYNC, NULL), EMFILE);
	CHECK(close(fds[0]) == 0);
	for (int i = 0; (error = ask_new(&fd)) == EMFILE && i < 1000; i++) {
		CHECK(close(fd) == 0);
		usleep(1000);
	}
	CHECK(error == ENXIO);
}

/* Children are killed while they sync; the port and its other end stay whole. */
static void
kills(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);

	for (uint32_t i = 0; i < 100; i++) {
		pid_t child = fork();

		if (child == 0) {
			number = b.fd;
			sync_number(NULL);
		}
		usleep(i % 5 * 1000);
		if (i % 2 == 0)
			CHECK(kill(child, SIGSTOP) == 0);
		works(&a, &b, i);
		CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	}
}

static const struct test tests[] = {
	TEST(vforks), TEST(sweeps), TEST(daemons), TEST(arrivals), TEST(cancels), TEST(races),
	TEST(forks_beside_threads), TEST(interruptions), TEST(unmaps), TEST(opens), TEST(limits), TEST(kills),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
