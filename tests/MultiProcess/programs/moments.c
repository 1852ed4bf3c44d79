/* Calls at bad moments, and with bad arguments: small stacks, signal handlers, wrong addresses, moved memory: moments TEST. */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <time.h>

#define MASTER	"mo{1"
#define SLAVE	"mo}1"
#define PORT	"vale0:m"

static bool
is_free(const char *name)
{
	struct nmreq_register reg = { .nr_flags = NR_EXCLUSIVE };
	int fd = open("/dev/netmap", O_RDWR), result = try_register(fd, name, &reg), error = errno;

	CHECK(fd >= 0 && close(fd) == 0 && (result == 0 || error == EBUSY));
	return result == 0;
}

static void
becomes_free(const char *name)
{
	for (int i = 0; i < 1000 && !is_free(name); i++)
		usleep(10000);
	CHECK(is_free(name));
}

/* Opens, waits and closes: without the C library's own hunger for stack. */
static void *
use_port(void *argument)
{
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER, .nr_name = PORT };
	struct pollfd poller = { .fd = open("/dev/netmap", O_RDWR), .events = POLLOUT };
	struct epoll_event event = { .events = EPOLLOUT };
	struct timeval time = { 0, 1000 };
	int set = epoll_create1(0);
	fd_set writing;
	void *memory;

	(void)argument;
	header.nr_body = (uintptr_t)&reg;
	if (poller.fd < 0 || ioctl(poller.fd, NIOCCTRL, &header) != 0)
		return "register";
	memory = mmap(NULL, reg.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED, poller.fd, 0);
	if (memory == MAP_FAILED || ioctl(poller.fd, NIOCTXSYNC, NULL) != 0)
		return "sync";
	FD_ZERO(&writing);
	FD_SET(poller.fd, &writing);
	if (poll(&poller, 1, 1000) != 1 || select(poller.fd + 1, NULL, &writing, NULL, &time) != 1)
		return "poll";
	if (epoll_ctl(set, EPOLL_CTL_ADD, poller.fd, &event) != 0 || epoll_wait(set, &event, 1, 1000) != 1)
		return "epoll";
	if (munmap(memory, reg.nr_memsize) != 0 || close(set) != 0 || close(poller.fd) != 0)
		return "close";
	return NULL;
}

/* Threads with as little stack as there can be use ports. */
static void
small_stacks(void)
{
	static const size_t sizes[] = { 65536, 32768, 16384 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		pthread_attr_t small;
		pthread_t thread;
		void *failed;

		CHECK(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, sizes[i]) == 0);
		CHECK(pthread_create(&thread, &small, use_port, NULL) == 0 && pthread_join(thread, &failed) == 0);
		if (failed != NULL)
			fprintf(stderr, "%zu bytes: %s\n", sizes[i], (char *)failed);
		CHECK(failed == NULL);
	}
}

static struct port *port_of_handler;
static atomic_int handled, failures, children;
static pid_t parent;

/* In a child: uses the port, and lets the call that was interrupted go on, to its end. */
static void
fork_in_handler(int signal)
{
	int error = errno;
	pid_t child;

	(void)signal;
	/* A file has 64 ways in; those of a child that has ended stay a moment. */
	if (getpid() != parent || children == 6)
		return;
	handled++;
	children++;
	child = fork();
	if (child == 0) {
		alarm(20);
		if (ioctl(port_of_handler->fd, NIOCRXSYNC, NULL) != 0)
			_exit(1);
	}
	failures += child < 0;
	errno = error;
}

static void
often(void (*handler)(int), long ns)
{
	struct sigaction action = { .sa_handler = handler };
	struct itimerspec times = { { 0, ns }, { 0, ns } };
	timer_t timer;

	parent = getpid();
	CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHECK(timer_create(CLOCK_MONOTONIC, &(struct sigevent){ .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 }, &timer) == 0);
	CHECK(timer_settime(timer, 0, &times, NULL) == 0);
}

static void
collect_children(void)
{
	int status;

	while (waitpid(-1, &status, WNOHANG) > 0) {
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		children--;
	}
}

/* A signal handler forks in the middle of syncs, polls, opens and mappings; in the child these end, and the port works. */
static void
forks_in_handlers(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(0);

	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, b.fd, &event) == 0);
	port_of_handler = &a;
	often(fork_in_handler, 2000000);
	while (getpid() != parent || handled < 400) {
		struct pollfd poller = { .fd = b.fd, .events = POLLIN };
		int result = 0;
		struct port c;

		for (int i = 0; i < 20 && getpid() == parent; i++) {
			result = ioctl(a.fd, NIOCTXSYNC, NULL);
			CHECK(result == 0 || errno == EINTR);
			result = poll(&poller, 1, 1);
			CHECK(result == 0 || (result < 0 && errno == EINTR));
			epoll_wait(set, &event, 1, 1);
		}
		if (getpid() == parent) {
			c.fd = open("/dev/netmap", O_RDWR);
			CHECK(c.fd >= 0);
			/* The first request of a file. */
			CHECK(ioctl(c.fd, NIOCTXSYNC, NULL) < 0 && (errno == ENXIO || errno == EINTR));
			CHECK(close(c.fd) == 0);
			collect_children();
			continue;
		}
		/* A child: what it has inherited works. */
		CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0 && ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		CHECK(poll(&poller, 1, 0) == 0);
		CHECK(munmap(a.memory, a.reg.nr_memsize) == 0 && close(a.fd) == 0);
		_exit(0);
	}
	CHECK(failures == 0);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	for (; children > 0; usleep(1000))
		collect_children();
	send_one(&a, 0);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, 0) == 1);
}

static atomic_int spare = -1;

static void
close_in_handler(int signal)
{
	int fd = atomic_exchange(&spare, -1), error = errno;

	(void)signal;
	if (fd >= 0) {
		failures += close(fd) != 0;
		handled++;
	}
	errno = error;
}

/* A signal handler closes a port, which is in a set, while its thread waits on the set, opens and closes. */
static void
closes_in_handlers(void)
{
	struct port b = open_port(SLAVE, 0);
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(0);

	alarm(50);
	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, b.fd, &event) == 0);
	often(close_in_handler, 200000);
	while (handled < 1000) {
		int fd = open("/dev/netmap", O_RDWR), other = dup(fd);

		CHECK(fd >= 0 && other >= 0);
		if (handled % 2 == 0)
			CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
		CHECK(close(other) == 0);
		spare = fd;
		while (spare >= 0) {
			epoll_wait(set, &event, 1, 0);
			ioctl(b.fd, NIOCRXSYNC, NULL);
			other = dup(b.fd);
			CHECK(other >= 0 && close(other) == 0);
		}
	}
	CHECK(failures == 0 && signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
}

static sigjmp_buf out;

static void
jump(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

/* A program leaves poll by a jump; what it forks then is whole. */
static void
jumps(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct pollfd poller = { .fd = b.fd, .events = POLLIN };
	pid_t child;

	CHECK(signal(SIGALRM, jump) != SIG_ERR);
	for (int i = 0; i < 10; i++) {
		if (sigsetjmp(out, 1) == 0) {
			ualarm(2000, 0);
			poll(&poller, 1, -1);
			CHECK(false);
		}
		child = fork();
		if (child == 0) {
			CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0 && close(a.fd) == 0 && close(b.fd) == 0);
			_exit(0);
		}
		wait_for(child);
	}
	send_one(&a, 0);
	CHECK(poll(&poller, 1, 10000) == 1 && take_all(&b, 0) == 1);
}

static atomic_bool stop;

static void *
churn(void *argument)
{
	int fd = *(int *)argument;

	while (!stop) {
		int other = dup(fd);

		CHECK(other >= 0 && close(other) == 0);
	}
	return NULL;
}

/* A real-time thread wants what one of ordinary priority on its core holds: it does not keep that from running. */
static void
real_time(void)
{
	struct port b = open_port(SLAVE, 0);
	struct sched_param high = { .sched_priority = 10 };
	pthread_t threads[2];
	cpu_set_t core;
	int fd;

	alarm(50);
	CPU_ZERO(&core);
	CPU_SET(sched_getcpu(), &core);
	CHECK(sched_setaffinity(0, sizeof(core), &core) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&threads[i], NULL, churn, &b.fd) == 0);
	if (pthread_setschedparam(pthread_self(), SCHED_FIFO, &high) != 0)
		CHECK(geteuid() != 0);	/* not for everybody */
	for (int i = 0; i < 20000; i++) {
		fd = dup(b.fd);
		CHECK(fd >= 0 && close(fd) == 0);
		usleep(20);
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
}

/* poll's arguments are the kernel's to judge; on a signal nothing is left of what the caller had there. */
static void
wrong_polls(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct pollfd fds[2] = { { .fd = a.fd, .events = POLLOUT }, { .fd = 0, .events = 0, .revents = 0x7fff } };
	struct pollfd *volatile wild = (struct pollfd *)8;	/* out of the compiler's sight */
	volatile nfds_t far_too_many = 1u << 30;
	struct epoll_event event;
	int set = epoll_create1(0);
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(memory != MAP_FAILED && mprotect(memory + 4096, 4096, PROT_NONE) == 0);
	REFUSED(poll(wild, 1, 0), EFAULT);
	REFUSED(poll((struct pollfd *)(void *)(memory + 4096), 1, 0), EFAULT);
	memcpy(memory + 4088, &fds[0], sizeof(fds[0]));
	REFUSED(poll((struct pollfd *)(void *)(memory + 4088), 2, 0), EFAULT);
	REFUSED(poll(fds, far_too_many, 0), EINVAL);
	REFUSED(ppoll(wild, 1, NULL, NULL), EFAULT);
	REFUSED(epoll_ctl(set, EPOLL_CTL_ADD, b.fd, (struct epoll_event *)8), EFAULT);
	REFUSED(epoll_ctl(set, EPOLL_CTL_ADD, b.fd, NULL), EFAULT);
	event.events = EPOLLIN;
	REFUSED(epoll_ctl(b.fd, EPOLL_CTL_ADD, b.fd, &event), EINVAL);
	REFUSED(epoll_ctl(0, EPOLL_CTL_ADD, b.fd, &event), EINVAL);
	REFUSED(epoll_ctl(set, 77, b.fd, &event), EINVAL);
	CHECK(poll((struct pollfd *)(void *)(memory + 4088), 1, 0) == 1);
	CHECK(poll(fds, 2, 0) == 1 && fds[0].revents == POLLOUT && fds[1].revents == 0);
}

static void
note(int signal)
{
	(void)signal;
	handled++;
}

/* A signal that ppoll lets through, while a port is ready: the port is told of, and nothing is made up of the others. */
static void
signals_beside_ports(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct pollfd fds[3];
	sigset_t blocked, none;
	int ends[2], result;

	CHECK(pipe(ends) == 0 && signal(SIGUSR1, note) != SIG_ERR);
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0 && raise(SIGUSR1) == 0);
	fds[0] = (struct pollfd){ .fd = a.fd, .events = POLLOUT };
	fds[1] = (struct pollfd){ .fd = ends[0], .events = POLLIN, .revents = POLLIN };
	fds[2] = (struct pollfd){ .fd = b.fd, .events = POLLIN, .revents = POLLIN };
	result = ppoll(fds, 3, NULL, &none);
	CHECK(result == 1 && fds[0].revents == POLLOUT && fds[1].revents == 0 && fds[2].revents == 0);
}

/* Sets that are longer than fd_set. */
static void
long_sets(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	unsigned long reading[4096 / 64] = { 0 }, writing[4096 / 64] = { 0 };
	struct rlimit many = { 4096, 4096 };
	struct timeval none = { 0, 0 };
	int ends[2], high, port;

	CHECK(setrlimit(RLIMIT_NOFILE, &many) == 0 && pipe(ends) == 0);
	high = dup2(ends[0], 2000);
	port = dup2(b.fd, 3000);
	CHECK(high == 2000 && port == 3000);
	reading[2000 / 64] = 1ul << 2000 % 64;
	reading[3000 / 64] = 1ul << 3000 % 64;
	writing[a.fd / 64] = 1ul << a.fd % 64;
	CHECK(select(3001, (fd_set *)(void *)reading, (fd_set *)(void *)writing, NULL, &none) == 1);
	CHECK(reading[2000 / 64] == 0 && reading[3000 / 64] == 0 && writing[a.fd / 64] == 1ul << a.fd % 64);
	send_one(&a, 0);
	CHECK(write(ends[1], "x", 1) == 1);
	reading[2000 / 64] = 1ul << 2000 % 64;
	reading[3000 / 64] = 1ul << 3000 % 64;
	CHECK(select(3001, (fd_set *)(void *)reading, NULL, NULL, NULL) == 2);
	CHECK(reading[2000 / 64] == 1ul << 2000 % 64 && reading[3000 / 64] == 1ul << 3000 % 64);
}

/* Memory of a port that moves, shrinks, is mapped over: as long as some of it is there the port stays, and no longer. */
static void
moved_memory(void)
{
	for (int how = 0; how < 7; how++) {
		struct port a = open_port(PORT, NR_EXCLUSIVE);
		size_t size = a.reg.nr_memsize;
		char *target = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), *memory = a.memory;
		int zero = open("/dev/zero", O_RDWR);

		CHECK(close(a.fd) == 0 && target != MAP_FAILED && zero >= 0);
		if (how < 2) {
			memory = mremap(a.memory, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, target);
			CHECK(memory == target && !is_free(PORT));
			/* The place it had is somebody else's. */
			CHECK(munmap(a.memory, size) == 0 && !is_free(PORT));
		}
		if (how == 0)
			CHECK(munmap(memory, size) == 0);
		else if (how == 1 || how == 2)
			CHECK(mmap(memory, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == memory);
		else if (how == 3)
			CHECK(mmap(memory, size, PROT_READ, MAP_PRIVATE | MAP_FIXED, zero, 0) == memory);
		else if (how == 4)	/* other memory is moved over it */
			CHECK(mremap(target, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, memory) == memory);
		else if (how == 5) {
			CHECK(mremap(memory, size, 4096, 0) == memory && !is_free(PORT));
			CHECK(munmap(memory, 4096) == 0);
		} else {
			/* Both ends, then the middle. */
			CHECK(munmap(memory, 4096) == 0 && munmap(memory + size - 4096, 4096) == 0 && !is_free(PORT));
			CHECK(munmap(memory + 8192, 4096) == 0 && munmap(memory + 4096, 4096) == 0 && !is_free(PORT));
			CHECK(munmap(memory, size) == 0);
		}
		becomes_free(PORT);
		CHECK(close(zero) == 0);
	}
}

static const struct test tests[] = {
	TEST(small_stacks), TEST(forks_in_handlers), TEST(closes_in_handlers), TEST(jumps), TEST(real_time), TEST(wrong_polls),
	TEST(signals_beside_ports), TEST(long_sets), TEST(moved_memory),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
