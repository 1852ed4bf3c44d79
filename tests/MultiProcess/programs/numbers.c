/* Descriptors that change under the shim: closed from within, forked beside threads, adopted by servers: numbers TEST. */
#include "check.h"

#include <linux/io_uring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#define MASTER	"nu{1"
#define SLAVE	"nu}1"
#define PORT	"vale0:n"

static bool
is_free(const char *name)
{
	struct nmreq_register reg = { .nr_flags = NR_EXCLUSIVE };
	int fd = open("/dev/netmap", O_RDWR), result = try_register(fd, name, &reg), error = errno;

	CHECK(fd >= 0 && close(fd) == 0 && (result == 0 || error == EBUSY));
	return result == 0;
}

/* The server learns of the end of a file a moment after the kernel does. */
static void
becomes_free(const char *name)
{
	for (int i = 0; i < 1000 && !is_free(name); i++)
		usleep(10000);
	CHECK(is_free(name));
}

/* io_uring closes a descriptor. */
static void
close_in_ring(int fd)
{
	struct io_uring_params params = { 0 };
	int ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	struct io_uring_sqe *entries;
	char *queue;

	if (ring < 0) {
		CHECK(errno == ENOSYS || errno == EPERM);	/* the machine has it switched off */
		CHECK(syscall(SYS_close, fd) == 0);
		return;
	}
	queue = mmap(NULL, params.sq_off.array + sizeof(uint32_t), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	entries = mmap(NULL, sizeof(*entries), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	CHECK(queue != MAP_FAILED && entries != MAP_FAILED);
	entries[0] = (struct io_uring_sqe){ .opcode = IORING_OP_CLOSE, .fd = fd };
	((uint32_t *)(void *)(queue + params.sq_off.array))[0] = 0;
	__atomic_store_n((uint32_t *)(void *)(queue + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	CHECK(syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) == 1);
	CHECK(syscall(SYS_close, ring) == 0 && fcntl(fd, F_GETFD) < 0);
}

static void
close_behind(int fd, int how)
{
	FILE *stream;

	if (how == 0) {
		stream = fdopen(fd, "r");
		CHECK(stream != NULL && fclose(stream) == 0);
	} else if (how == 1) {
		CHECK(syscall(SYS_close, fd) == 0);
	} else if (how == 2) {
		close_in_ring(fd);
	} else {
		CHECK(syscall(SYS_close_range, fd, fd, 0) == 0);
	}
}

/* A pipe under this number, made by a call that we see, or by one that we do not. */
static void
make_pipe(int fd, bool seen, int ends[2])
{
	int made[2];

	CHECK(syscall(SYS_pipe2, made, O_NONBLOCK) == 0);
	CHECK((seen ? dup3(made[0], fd, 0) : (int)syscall(SYS_dup3, made[0], fd, 0)) == fd || made[0] == fd);
	ends[0] = fd;
	ends[1] = made[1];
}

/* What comes under the number of a port that was closed in any way is read, written, polled and mapped as what it is. */
static void
reused(void)
{
	for (int how = 0; how < 8; how++) {
		struct port a = open_port(PORT, NR_EXCLUSIVE);
		struct pollfd poller = { .fd = a.fd, .events = POLLIN };
		struct epoll_event event = { .events = EPOLLIN, .data.u64 = 3 };
		int ends[2], set = epoll_create1(0), bytes = 0;
		char byte;

		CHECK(poll(&poller, 1, 0) == 0);
		close_behind(a.fd, how % 4);
		make_pipe(a.fd, how < 4, ends);
		CHECK(poll(&poller, 1, 5) == 0);
		CHECK(write(ends[1], "x", 1) == 1);
		CHECK(poll(&poller, 1, 5000) == 1 && poller.revents == POLLIN);
		CHECK(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event) == 0);
		CHECK(epoll_wait(set, &event, 1, 5000) == 1 && event.data.u64 == 3);
		CHECK(ioctl(ends[0], FIONREAD, &bytes) == 0 && bytes == 1);
		CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
		REFUSED(read(ends[0], &byte, 1), EAGAIN);
		CHECK(close(ends[0]) == 0 && close(ends[1]) == 0 && close(set) == 0);
		CHECK(munmap(a.memory, a.reg.nr_memsize) == 0);
		becomes_free(PORT);
	}
}

/* The same, read first; and a file, mapped first. */
static void
reused_at_once(void)
{
	struct port a = open_port(PORT, 0), b;
	int ends[2], fd, memory = memfd_create("m", 0);
	char byte, *mapped;

	close_behind(a.fd, 1);
	make_pipe(a.fd, false, ends);
	CHECK(write(ends[1], "x", 1) == 1);
	CHECK(read(ends[0], &byte, 1) == 1 && byte == 'x');
	b = open_port(PORT, 0);
	fd = b.fd;
	close_behind(fd, 1);
	CHECK(ftruncate(memory, 4096) == 0 && pwrite(memory, "y", 1, 0) == 1);
	CHECK(syscall(SYS_dup3, memory, fd, 0) == fd);
	mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(mapped != MAP_FAILED && mapped[0] == 'y');
	/* An epoll set, with another port in it; and one in its place. */
	a = open_port("nu{2", 0);
	b = open_port(PORT, 0);
	fd = b.fd;
	close_behind(fd, 1);
	for (int i = 0; i < 2; i++) {
		struct epoll_event event = { .events = EPOLLOUT, .data.u64 = (uint64_t)i }, got[2];
		int set = (int)syscall(SYS_epoll_create1, 0);

		CHECK(set == fd || syscall(SYS_dup3, set, fd, 0) == fd);
		CHECK(epoll_wait(fd, got, 2, 0) == 0);
		CHECK(epoll_ctl(fd, EPOLL_CTL_ADD, a.fd, &event) == 0);
		CHECK(epoll_wait(fd, got, 2, 5000) == 1 && got[0].data.u64 == (uint64_t)i);
		if (set != fd)
			CHECK(close(set) == 0);
		CHECK(syscall(SYS_close, fd) == 0);
	}
	/* An end that is written. */
	b = open_port(PORT, 0);
	CHECK(syscall(SYS_pipe2, ends, O_NONBLOCK) == 0);
	close_behind(b.fd, 1);
	CHECK(syscall(SYS_dup3, ends[1], b.fd, 0) == b.fd);
	CHECK(write(b.fd, "z", 1) == 1 && read(ends[0], &byte, 1) == 1 && byte == 'z');
}

/* A port that was closed so is free when it is opened again, under another number. */
static void
reopened(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int how = 0; how < 4; how++) {
		struct port a = open_port(PORT, NR_EXCLUSIVE);

		CHECK(munmap(a.memory, a.reg.nr_memsize) == 0);
		close_behind(a.fd, how);
		CHECK(syscall(SYS_dup3, null, a.fd, 0) == a.fd);
		becomes_free(PORT);
		CHECK(close(a.fd) == 0);
	}
}

static atomic_bool stop;

static void *
poll_on(void *fd)
{
	struct pollfd poller = { .fd = *(int *)fd, .events = POLLIN };

	while (!stop) {
		poll(&poller, 1, 1);
		ioctl(poller.fd, NIOCTXSYNC, NULL);
	}
	return NULL;
}

/* A child of a process whose other threads are inside closes its descriptor: it holds nothing more. */
static void
forked_beside_threads(void)
{
	struct port a = open_port(PORT, NR_EXCLUSIVE);
	int ready[2], go[2], closed[2];
	pthread_t threads[3];
	pid_t children[20];
	char byte;

	CHECK(pipe(ready) == 0 && pipe(go) == 0 && pipe(closed) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, poll_on, &a.fd) == 0);
	for (int i = 0; i < 20; i++) {
		usleep(300);
		children[i] = fork();
		if (children[i] == 0) {
			CHECK(i % 2 == 0 || ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
			CHECK(munmap(a.memory, a.reg.nr_memsize) == 0 && close(a.fd) == 0);
			CHECK(write(closed[1], "x", 1) == 1);
			CHECK(close(go[1]) == 0 && read(go[0], &byte, 1) == 0);
			_exit(0);
		}
	}
	for (int i = 0; i < 20; i++)
		CHECK(read(closed[0], &byte, 1) == 1);
	stop = true;
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	close_port(&a);
	/* The children are there yet. */
	becomes_free(PORT);
	CHECK(close(go[1]) == 0);
	for (int i = 0; i < 20; i++)
		wait_for(children[i]);
}

/* A server that has got descriptors of other kinds, or swept its numbers, before it forks: the child takes ports that it is passed. */
static void
adopted_in_children(void)
{
	int sockets[2], null = open("/dev/null", O_RDWR);
	pid_t opener, server;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	pass(sockets[0], null);
	CHECK(close(receive(sockets[1])) == 0);
	CHECK(close_range(100, ~0u, 0) == 0);
	server = fork();
	if (server == 0) {
		struct port b = { .fd = receive(sockets[1]) };

		CHECK(poll(&(struct pollfd){ .fd = b.fd, .events = POLLOUT }, 1, 10000) == 1);
		CHECK(ioctl(b.fd, NIOCTXSYNC, NULL) == 0);
		CHECK(close(b.fd) == 0);
		_exit(0);
	}
	opener = fork();
	if (opener == 0) {
		struct port a = open_port(PORT, 0);

		pass(sockets[0], a.fd);
		CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
		_exit(0);
	}
	wait_for(opener);
	wait_for(server);
}

static void
closes_all(int how)
{
	int fd = dup(1), late = dup2(1, 700);
	pid_t child = fork();

	CHECK(fd >= 0 && late == 700);
	if (child == 0) {
		if (how == 0) {
			if (close_range(0, ~0u, 0) != 0)
				_exit(2);
		} else {
			closefrom(0);
		}
		for (int i = 0; i < 1000; i++) {
			if (fcntl(i, F_GETFD) >= 0 && (i < 512 || i == 700))
				_exit(3);
		}
		_exit(0);
	}
	wait_for(child);
	CHECK(close(fd) == 0 && close(late) == 0);
}

/* What closes everything closes everything, before there is a port and after. */
static void
sweeps(void)
{
	struct port a;

	closes_all(0);
	closes_all(1);
	a = open_port(PORT, 0);
	closes_all(0);
	closes_all(1);
	CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
}

/* Flags that every descriptor has. */
static void
flags(void)
{
	struct port a = open_port(PORT, 0);

	CHECK(ioctl(a.fd, FIOCLEX) == 0 && fcntl(a.fd, F_GETFD) == FD_CLOEXEC);
	CHECK(ioctl(a.fd, FIONCLEX) == 0 && fcntl(a.fd, F_GETFD) == 0);
	CHECK(ioctl(a.fd, FIONBIO, &(int){ 1 }) == 0 && (fcntl(a.fd, F_GETFL) & O_NONBLOCK) != 0);
	CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
}

static const struct test tests[] = {
	TEST(reused), TEST(reused_at_once), TEST(reopened), TEST(forked_beside_threads), TEST(adopted_in_children), TEST(sweeps), TEST(flags),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
