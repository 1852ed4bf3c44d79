/* What the test programs share: checks that end the program, and a port opened by hand. */
#ifndef CHECK_H_
#define CHECK_H_

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <net/netmap_user.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHECK(condition) do { \
	if (!(condition)) { \
		fprintf(stderr, "%s:%d: %s (errno %d %s)\n", __func__, __LINE__, #condition, errno, strerror(errno)); \
		exit(1); \
	} \
} while (0)

/* A call that must fail with this errno. */
#define REFUSED(call, error) do { \
	errno = 0; \
	CHECK((call) < 0 && errno == (error)); \
} while (0)

struct port {
	int fd;
	struct nmreq_register reg;
	char *memory;
	struct netmap_if *nifp;
};

static inline int
try_register(int fd, const char *name, struct nmreq_register *reg)
{
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER };

	if (reg->nr_mode == 0)
		reg->nr_mode = NR_REG_ALL_NIC;
	strncpy(header.nr_name, name, sizeof(header.nr_name) - 1);
	header.nr_body = (uintptr_t)reg;
	return ioctl(fd, NIOCCTRL, &header);
}

static inline void
map_port(struct port *port)
{
	port->memory = mmap(NULL, port->reg.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED, port->fd, 0);
	CHECK(port->memory != MAP_FAILED);
	port->nifp = NETMAP_IF(port->memory, port->reg.nr_offset);
}

static inline struct port
open_port(const char *name, uint64_t flags)
{
	struct port port = { .reg = { .nr_flags = flags } };

	port.fd = open("/dev/netmap", O_RDWR);
	CHECK(port.fd >= 0);
	CHECK(try_register(port.fd, name, &port.reg) == 0);
	map_port(&port);
	return port;
}

static inline void
close_port(struct port *port)
{
	CHECK(munmap(port->memory, port->reg.nr_memsize) == 0);
	CHECK(close(port->fd) == 0);
}

/* Puts a numbered frame of 60 bytes into ring 0; no sync. */
static inline void
put(struct port *port, uint32_t number)
{
	struct netmap_ring *ring = NETMAP_TXRING(port->nifp, 0);
	struct netmap_slot *slot = &ring->slot[ring->head];
	char *buffer = NETMAP_BUF(ring, slot->buf_idx);

	CHECK(nm_ring_space(ring) > 0);
	memset(buffer, 0, 60);
	memset(buffer, 0xff, 6);
	buffer[6] = 2;
	memcpy(buffer + 14, &number, sizeof(number));
	slot->len = 60;
	slot->flags = 0;
	ring->head = ring->cur = nm_ring_next(ring, ring->head);
}

static inline void
send_one(struct port *port, uint32_t number)
{
	put(port, number);
	CHECK(ioctl(port->fd, NIOCTXSYNC, NULL) == 0);
}

/* Takes what is in ring 0, which must be frames numbered from here on; returns how many. No sync. */
static inline uint32_t
take_all(struct port *port, uint32_t number)
{
	struct netmap_ring *ring = NETMAP_RXRING(port->nifp, 0);
	uint32_t taken = 0;

	for (; !nm_ring_empty(ring); taken++) {
		struct netmap_slot *slot = &ring->slot[ring->head];
		uint32_t found;

		memcpy(&found, NETMAP_BUF(ring, slot->buf_idx) + 14, sizeof(found));
		CHECK(slot->len == 60 && found == number + taken);
		ring->head = ring->cur = nm_ring_next(ring, ring->head);
	}
	return taken;
}

static inline void
wait_for(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Passes a descriptor on (SCM_RIGHTS). */
static inline void
pass(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	CHECK(sendmsg(socket, &message, 0) == 1);
}

static inline int
receive(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd;

	CHECK(recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

/* A test of a program: it runs in a process of its own. */
struct test {
	const char *name;
	void (*run)(void);
};

/* PROGRAM TEST runs one; without a name all names are printed, and the status is 2. */
static inline int
run_test(const struct test *tests, size_t count, const char *name)
{
	for (size_t i = 0; name != NULL && i < count; i++) {
		if (strcmp(name, tests[i].name) == 0) {
			tests[i].run();
			return 0;
		}
	}
	for (size_t i = 0; i < count; i++)
		printf("%s\n", tests[i].name);
	return 2;
}

#define TEST(name)	{ #name, name }
#define RUN_TEST(tests, name)	run_test(tests, sizeof(tests) / sizeof((tests)[0]), name)

#endif /* CHECK_H_ */
