/* A client of a server that speaks its protocol by itself, without a shim. */
#ifndef RAW_H_
#define RAW_H_

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <net/netmap.h>
#include <net/netmap_user.h>
#include "../../../src/preload/protocol.h"

#define CHECK(what) \
	do { \
		if (!(what)) { \
			printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #what, strerror(errno)); \
			fflush(stdout); \
			_exit(1); \
		} \
	} while (0)

static const char *host;
static uint64_t extmem_offset;

/* One open file with one session, in the process that has made it. */
struct client {
	int connection, session, doorbell;
	struct nms_page *page;
	uint32_t sequence;
	struct nmreq_register reg;
	char *memory;
	struct netmap_if *nifp;
};

static void
send_with(int socket, const void *bytes, size_t length, int descriptor)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { (void *)bytes, length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (descriptor >= 0) {
		struct cmsghdr *rights = (struct cmsghdr *)control;

		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		*rights = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(rights), &descriptor, sizeof(int));
	}
	CHECK(sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)length);
}

/* Bytes received; descriptors that come with them are written behind each other. */
static ssize_t
receive_with(int socket, void *room, size_t length, int *descriptors)
{
	char control[CMSG_SPACE(4 * sizeof(int))];
	struct iovec part = { room, length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t received = recvmsg(socket, &message, 0);

	for (struct cmsghdr *rights = CMSG_FIRSTHDR(&message); rights != NULL; rights = CMSG_NXTHDR(&message, rights))
		if (rights->cmsg_type == SCM_RIGHTS)
			memcpy(descriptors, CMSG_DATA(rights), rights->cmsg_len - CMSG_LEN(0));
	return received;
}

static struct client
connect_client(void)
{
	struct client c = { .session = -1 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, host);
	c.connection = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	CHECK(c.connection >= 0 && connect(c.connection, (struct sockaddr *)&address, sizeof(address)) == 0);
	return c;
}

/* Takes a session whose socketpair somebody has made. */
static void
attach_pair(struct client *c, const int *pair)
{
	struct nms_header header = { NMS_MAGIC, NMS_VERSION, NMS_ATTACH, 0, 0 };
	struct { struct nms_header header; char body[4096]; } answer;
	int got[4] = { -1, -1, -1, -1 };

	send_with(c->connection, &header, sizeof(header), pair[1]);
	close(pair[1]);
	c->session = pair[0];
	CHECK(receive_with(c->session, &answer, sizeof(answer), got) > 0 && answer.header.result == 0);
	c->page = mmap(NULL, NMS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, got[0], 0);
	CHECK(c->page != MAP_FAILED);
	close(got[0]);
	c->doorbell = got[1];
	c->sequence = 0;
}

static void
attach(struct client *c)
{
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0);
	attach_pair(c, pair);
}

/* An answer, which news may precede. */
static uint32_t
answer_of(struct client *c, void *body, size_t room, int *descriptors)
{
	static __thread struct { struct nms_header header; char body[NMS_ANSWER_MAX]; } answer;

	do
		CHECK(receive_with(c->session, &answer, sizeof(answer), descriptors) > 0);
	while (answer.header.type >= NMS_WAKE);
	if (body != NULL)
		memcpy(body, answer.body, room);
	return answer.header.result;
}

/* NIOCCTRL with a body and one option, which may be null. */
static void
ask(struct client *c, uint16_t type, const char *name, const void *body, size_t body_size, const void *option, size_t option_size,
    uint32_t flags, int descriptor)
{
	char message[4096] = { 0 };
	struct nms_header *header = (struct nms_header *)message;
	struct nms_ioctl *request = (struct nms_ioctl *)(header + 1);
	struct nmreq_header *ctrl = (struct nmreq_header *)(request + 1);

	ctrl->nr_version = NETMAP_API;
	ctrl->nr_reqtype = type;
	strcpy(ctrl->nr_name, name);
	ctrl->nr_body = body_size > 0 ? sizeof(*ctrl) : 0;
	ctrl->nr_options = option_size > 0 ? sizeof(*ctrl) + body_size : 0;
	memcpy(ctrl + 1, body, body_size);
	memcpy((char *)(ctrl + 1) + body_size, option, option_size);
	*request = (struct nms_ioctl){ NIOCCTRL, sizeof(*ctrl) + body_size + option_size, extmem_offset, flags, 0 };
	*header = (struct nms_header){ NMS_MAGIC, NMS_VERSION, NMS_IOCTL, sizeof(*request) + request->image_length, 0 };
	send_with(c->session, message, sizeof(*header) + header->length, descriptor);
}

static uint32_t
control(struct client *c, uint16_t type, const char *name, void *body, size_t body_size, void *option, size_t option_size)
{
	char image[sizeof(struct nms_ioctl) + sizeof(struct nmreq_header) + 1024];
	int none[4];
	uint32_t result;

	ask(c, type, name, body, body_size, option, option_size, 0, -1);
	result = answer_of(c, image, sizeof(struct nms_ioctl) + sizeof(struct nmreq_header) + body_size, none);
	if (body_size > 0)
		memcpy(body, image + sizeof(struct nms_ioctl) + sizeof(struct nmreq_header), body_size);
	return result;
}

static uint32_t
try_register(struct client *c, const char *name)
{
	if (c->reg.nr_mode == 0)
		c->reg.nr_mode = NR_REG_ALL_NIC;
	return control(c, NETMAP_REQ_REGISTER, name, &c->reg, sizeof(c->reg), NULL, 0);
}

/* The errno of mapping the port's memory; the file that it lies in comes with success. */
static uint32_t
ask_map(struct client *c, int *file)
{
	struct { struct nms_header header; struct nms_map map; } request = {
		{ NMS_MAGIC, NMS_VERSION, NMS_MAP, sizeof(struct nms_map), 0 }, { 0, c->reg.nr_memsize } };
	int got[4] = { -1, -1, -1, -1 };
	uint32_t result;

	send_with(c->session, &request, sizeof(request), -1);
	result = answer_of(c, NULL, 0, got);
	*file = got[0];
	return result;
}

static void
map_client(struct client *c)
{
	int file;

	CHECK(ask_map(c, &file) == 0);
	c->memory = mmap(NULL, c->reg.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(c->memory != MAP_FAILED);
	close(file);
	c->nifp = NETMAP_IF(c->memory, c->reg.nr_offset);
}

static struct client
open_client(const char *name)
{
	struct client c = connect_client();

	attach(&c);
	CHECK(try_register(&c, name) == 0);
	map_client(&c);
	return c;
}

static void
post(struct client *c, uint8_t operation, uint16_t events)
{
	uint64_t one = 1;

	__atomic_exchange_n(&c->page->post, NMS_POST(++c->sequence, operation, 0, events), __ATOMIC_SEQ_CST);
	CHECK(write(c->doorbell, &one, sizeof(one)) == sizeof(one));
}

/* The errno, or -1 when the answer does not come in time. */
static int
wait_done(struct client *c, int milliseconds)
{
	for (int i = 0; i < milliseconds; i++) {
		uint64_t done = __atomic_load_n(&c->page->done, __ATOMIC_SEQ_CST);

		if (NMS_SEQUENCE(done) == c->sequence)
			return NMS_ERRNO(done);
		usleep(1000);
	}
	return -1;
}

static int
sync_client(struct client *c, uint8_t operation, uint16_t events)
{
	post(c, operation, events);
	return wait_done(c, 20000);
}

/* Fills the next slot with an address. */
static void
point(struct client *c, const void *address, uint16_t length)
{
	struct netmap_ring *ring = NETMAP_TXRING(c->nifp, 0);
	struct netmap_slot *slot = &ring->slot[ring->head];

	*slot = (struct netmap_slot){ slot->buf_idx, length, NS_INDIRECT, (uintptr_t)address };
	ring->cur = nm_ring_next(ring, ring->head);
	__atomic_store_n(&ring->head, ring->cur, __ATOMIC_SEQ_CST);
}

static void
say_statistics(struct client *c)
{
	struct nms_header request = { NMS_MAGIC, NMS_VERSION, NMS_STATISTICS, 0, 0 };
	static char text[NMS_ANSWER_MAX];
	int none[4];

	send_with(c->session, &request, sizeof(request), -1);
	CHECK(answer_of(c, text, sizeof(text) - sizeof(request) - 1, none) == 0);
	puts(text);
}

static void
become(int user)
{
	if (user > 0)
		/* As after an exec: a process that has just changed its user is nobody's to read. */
		CHECK(setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
}

#endif
