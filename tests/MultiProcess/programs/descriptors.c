/* How long a netmap file lives: duplicates, mappings, children, other processes: descriptors TEST. Each test runs in a process of its own. */
#include "check.h"

#define MASTER	"pp{1"
#define SLAVE	"pp}1"

static int
exclusive_is_taken(const char *name)
{
	struct nmreq_register reg = { .nr_flags = NR_EXCLUSIVE };
	int fd = open("/dev/netmap", O_RDWR), result = try_register(fd, name, &reg), error = errno;

	CHECK(close(fd) == 0);
	CHECK(result == 0 || error == EBUSY);
	return result != 0;
}

/* The server learns of the end of a file a moment after the kernel does. */
static void
becomes_free(const char *name)
{
	for (int i = 0; i < 1000 && exclusive_is_taken(name); i++)
		usleep(10000);
	CHECK(!exclusive_is_taken(name));
}

static void
duplicates(void)
{
	struct port a = open_port("vale0:d", NR_EXCLUSIVE);
	int second = dup(a.fd), third = fcntl(a.fd, F_DUPFD_CLOEXEC, 100), fourth = dup2(a.fd, 200);

	CHECK(second >= 0 && third >= 100 && fourth == 200);
	CHECK(munmap(a.memory, a.reg.nr_memsize) == 0);
	CHECK(close(a.fd) == 0);
	CHECK(ioctl(second, NIOCTXSYNC, NULL) == 0 && ioctl(third, NIOCRXSYNC, NULL) == 0 && ioctl(fourth, NIOCTXSYNC, NULL) == 0);
	CHECK(exclusive_is_taken("vale0:d"));
	CHECK(close(second) == 0 && close(third) == 0);
	CHECK(exclusive_is_taken("vale0:d"));
	/* The last one goes by being replaced. */
	CHECK(dup2(0, fourth) == fourth);
	becomes_free("vale0:d");
}

static void
mappings(void)
{
	struct port a = open_port("vale0:m", NR_EXCLUSIVE);
	char *part = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, a.fd, 4096);

	CHECK(part != MAP_FAILED);
	CHECK(close(a.fd) == 0);
	CHECK(munmap(a.memory, a.reg.nr_memsize) == 0);
	CHECK(exclusive_is_taken("vale0:m"));
	CHECK(munmap(part, 4096) == 0);
	CHECK(exclusive_is_taken("vale0:m"));
	CHECK(munmap(part + 4096, 4096) == 0);
	becomes_free("vale0:m");
}

static void
forks(void)
{
	struct port a = open_port(MASTER, NR_EXCLUSIVE), b = open_port(SLAVE, NR_EXCLUSIVE);
	pid_t child = fork();

	if (child == 0) {
		for (uint32_t i = 0; i < 100; i++)
			send_one(&a, i);
		_exit(0);
	}
	wait_for(child);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
	CHECK(take_all(&b, 0) == 100);
	/* The parent goes on, and a child that outlives it keeps the port. */
	child = fork();
	if (child == 0) {
		usleep(300000);
		_exit(0);
	}
	close_port(&a);
	CHECK(exclusive_is_taken(MASTER));
	wait_for(child);
	becomes_free(MASTER);
	close_port(&b);
}

/* A server process opens the ports and passes them; a client maps and uses them, and goes; the ports stay. */
static void
passes(void)
{
	int sockets[2];
	pid_t client;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	client = fork();
	if (client == 0) {
		struct port a = { .fd = receive(sockets[1]) }, b = { .fd = receive(sockets[1]) };

		CHECK(read(sockets[1], &a.reg, sizeof(a.reg)) == sizeof(a.reg) && read(sockets[1], &b.reg, sizeof(b.reg)) == sizeof(b.reg));
		map_port(&a);
		map_port(&b);
		for (uint32_t i = 0; i < 10; i++)
			send_one(&a, i);
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		_exit(nm_ring_space(NETMAP_RXRING(b.nifp, 0)) == 10 ? 0 : 1);
	} else {
		struct port a = open_port(MASTER, NR_EXCLUSIVE), b = open_port(SLAVE, NR_EXCLUSIVE);

		pass(sockets[0], a.fd);
		pass(sockets[0], b.fd);
		CHECK(write(sockets[0], &a.reg, sizeof(a.reg)) > 0 && write(sockets[0], &b.reg, sizeof(b.reg)) > 0);
		wait_for(client);
		CHECK(exclusive_is_taken(MASTER));
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, 0) == 10);
	}
}

static void
executed(const char *number)
{
	CHECK(ioctl(atoi(number), NIOCTXSYNC, NULL) == 0);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, atoi(number), 0) != MAP_FAILED);
}

static void
execs(void)
{
	struct port a = open_port("vale0:e", NR_EXCLUSIVE);
	char number[16];
	pid_t child = fork();

	if (child == 0) {
		snprintf(number, sizeof(number), "%d", a.fd);
		execl("/proc/self/exe", "shim", "executed", number, NULL);
		_exit(127);
	}
	wait_for(child);
}

static const struct test tests[] = {
	TEST(duplicates), TEST(mappings), TEST(forks), TEST(passes), TEST(execs),
};

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "executed") == 0) {
		executed(argv[2]);
		return 0;
	}
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
