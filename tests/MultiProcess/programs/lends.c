/* Ports in memory of the program's own (EXTMEM), on a server for many: lends TEST. */
#include "check.h"

#include <signal.h>

#define MASTER	"pp{1"
#define SLAVE	"pp}1"
#define LENT	(12u << 20)

static int
sealed_file(void)
{
	int fd = memfd_create("lent", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	CHECK(fd >= 0 && ftruncate(fd, LENT) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	return fd;
}

static char *
mapped(int fd, int flags)
{
	char *memory = mmap(NULL, LENT, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(memory != MAP_FAILED);
	return memory;
}

/* REGISTER with EXTMEM; the option's status comes back. */
static int
lend(struct port *port, const char *name, char *memory, struct nmreq_opt_extmem *option)
{
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER };
	int result;

	port->fd = open("/dev/netmap", O_RDWR);
	port->reg = (struct nmreq_register){ .nr_mode = NR_REG_ALL_NIC };
	*option = (struct nmreq_opt_extmem){
		.nro_opt.nro_reqtype = NETMAP_REQ_OPT_EXTMEM, .nro_usrptr = (uintptr_t)memory, .nro_info.nr_memsize = LENT,
		.nro_info.nr_if_pool_objtotal = 8,
	};
	strcpy(header.nr_name, name);
	header.nr_body = (uintptr_t)&port->reg;
	header.nr_options = (uintptr_t)option;
	result = ioctl(port->fd, NIOCCTRL, &header);
	port->memory = memory;
	if (result == 0)
		port->nifp = NETMAP_IF(memory, port->reg.nr_offset);
	else
		CHECK(close(port->fd) == 0 && option->nro_usrptr == (uintptr_t)memory);
	return result;
}

/* The memory that a program brings is the port's: no mmap of the netmap file is needed. */
static void
lends(void)
{
	struct nmreq_opt_extmem option;
	struct port a, b;
	int fd = sealed_file();
	char *here = mapped(fd, MAP_SHARED), *there = mapped(fd, MAP_SHARED), *view;

	/* The kernel keeps one mapping as three by now. */
	CHECK(mprotect(here + 8192, 4096, PROT_READ) == 0);
	REFUSED(lend(&a, MASTER, here, &option), EFAULT);
	CHECK(option.nro_opt.nro_status == EFAULT);
	CHECK(mprotect(here + 8192, 4096, PROT_READ | PROT_WRITE) == 0 && madvise(here + 8192, 4096, MADV_DONTFORK) == 0);
	CHECK(lend(&a, MASTER, here, &option) == 0 && option.nro_opt.nro_status == 0);
	CHECK(option.nro_info.nr_ring_pool_objtotal == 4 && option.nro_info.nr_buf_pool_objsize == 2048);
	CHECK(lend(&b, SLAVE, there, &option) == 0 && a.reg.nr_mem_id == b.reg.nr_mem_id && a.reg.nr_mem_id > 1);
	for (uint32_t i = 0; i < 5000; i++) {
		send_one(&a, i);
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		CHECK(take_all(&b, i) == 1);
	}
	/* A program that does not know maps it as any other port's. */
	view = mmap(NULL, a.reg.nr_memsize, PROT_READ, MAP_SHARED, a.fd, 0);
	CHECK(view != MAP_FAILED && memcmp(view, here, a.reg.nr_memsize) == 0);
	CHECK(munmap(view, a.reg.nr_memsize) == 0);
	/* Nobody cuts the server's memory off. */
	REFUSED(ftruncate(fd, 0), EPERM);
	CHECK(munmap(here, LENT) == 0 && munmap(there, LENT) == 0 && close(fd) == 0);
	CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0 && close(a.fd) == 0 && close(b.fd) == 0);
}

static void
lends_nothing(void)
{
	struct nmreq_opt_extmem option;
	struct port port;
	int fd = memfd_create("lent", MFD_CLOEXEC);

	CHECK(ftruncate(fd, LENT) == 0);
	REFUSED(lend(&port, MASTER, mapped(-1, MAP_PRIVATE | MAP_ANONYMOUS), &option), EOPNOTSUPP);
	CHECK(option.nro_opt.nro_status == EOPNOTSUPP);
	REFUSED(lend(&port, MASTER, mapped(-1, MAP_SHARED | MAP_ANONYMOUS), &option), EOPNOTSUPP);
	REFUSED(lend(&port, MASTER, mapped(fd, MAP_PRIVATE), &option), EOPNOTSUPP);
	REFUSED(lend(&port, MASTER, NULL, &option), EFAULT);
	CHECK(option.nro_opt.nro_status == EFAULT);
	/* This server is for many: it takes no file that could be cut off, and so it does not matter that this one is. */
	REFUSED(lend(&port, MASTER, mapped(fd, MAP_SHARED), &option), EOPNOTSUPP);
	CHECK(ftruncate(fd, 0) == 0);
}

/* Two programs in one memory, one of which is killed: the other one's frames are where they were. */
static void
lenders(void)
{
	int fd = sealed_file(), ready[2];
	struct nmreq_opt_extmem option;
	struct port a, b;
	pid_t child;

	CHECK(pipe(ready) == 0);
	CHECK(lend(&a, MASTER, mapped(fd, MAP_SHARED), &option) == 0);
	child = fork();
	if (child == 0) {
		CHECK(lend(&b, SLAVE, mapped(fd, MAP_SHARED), &option) == 0);
		CHECK(b.reg.nr_mem_id == a.reg.nr_mem_id && write(ready[1], "x", 1) == 1);
		for (uint32_t got = 0; got < 100000;) {
			struct pollfd wait = { .fd = b.fd, .events = POLLIN };

			CHECK(poll(&wait, 1, 10000) == 1);
			got += take_all(&b, got);
		}
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && write(ready[1], "x", 1) == 1);
		pause();
	}
	CHECK(read(ready[0], &(char){ 0 }, 1) == 1);
	for (uint32_t i = 0; i < 100000;) {
		struct pollfd wait = { .fd = a.fd, .events = POLLOUT };

		CHECK(poll(&wait, 1, 10000) == 1);
		while (i < 100000 && nm_ring_space(NETMAP_TXRING(a.nifp, 0)) > 0)
			put(&a, i++);
		CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
	}
	CHECK(read(ready[0], &(char){ 0 }, 1) == 1 && kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	send_one(&a, 7);
	CHECK(lend(&b, SLAVE, mapped(fd, MAP_SHARED), &option) == 0 && b.reg.nr_mem_id == a.reg.nr_mem_id);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, 7) == 1);
}

static const struct test tests[] = {
	TEST(lends), TEST(lends_nothing), TEST(lenders),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
