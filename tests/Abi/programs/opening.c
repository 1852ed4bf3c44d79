/* nm_open() and what it calls, on a device made by hand. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

static int fake_open(const char *name, int flags);
static int fake_ioctl(int fd, unsigned long request, void *argument);
static void *fake_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
static int fake_munmap(void *at, size_t size);
static int fake_close(int fd);

#define open fake_open
#define ioctl fake_ioctl
#define mmap fake_mmap
#define munmap fake_munmap
#define close fake_close
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
#include "check.h"

static struct nmreq asked;		/* the last request, as it came */
static int opened, mapped;		/* how many are */
static int open_error, bind_error, map_error;

static int
fake_open(const char *name, int flags)
{
	CHECK(strcmp(name, "/dev/netmap") == 0 && flags == O_RDWR);
	errno = open_error;
	return open_error != 0 ? -1 : 100 + opened++;
}

static int
fake_ioctl(int fd, unsigned long request, void *argument)
{
	struct nmreq *req = (struct nmreq *)argument;
	struct netmap_if *nifp = make_port();

	CHECK(fd >= 100 && request == NIOCREGIF);
	asked = *req;
	errno = bind_error;
	if (bind_error != 0)
		return -1;
	req->nr_offset = 0;
	req->nr_memsize = MEMORY;
	req->nr_tx_rings = req->nr_rx_rings = 2;
	if (req->nr_arg2 == 0)
		req->nr_arg2 = 7;
	if (req->nr_flags & NR_TX_RINGS_ONLY)
		memset((void *)(uintptr_t)&nifp->ring_ofs[3], 0, 3 * sizeof(ssize_t));
	return 0;
}

static void *
fake_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	CHECK(at == NULL && size == MEMORY && protection == (PROT_READ | PROT_WRITE) && flags == MAP_SHARED && fd >= 100 && offset == 0);
	errno = map_error;
	if (map_error != 0)
		return MAP_FAILED;
	mapped++;
	return memory;
}

static int
fake_munmap(void *at, size_t size)
{
	CHECK(at == memory && size == MEMORY);
	mapped--;
	return 0;
}

static int
fake_close(int fd)
{
	CHECK(fd >= 100);
	opened--;
	return 0;
}

static int
ranges(struct nm_desc *d, int first_tx, int last_tx, int first_rx, int last_rx)
{
	int same = d->first_tx_ring == first_tx && d->last_tx_ring == last_tx && d->cur_tx_ring == first_tx &&
	    d->first_rx_ring == first_rx && d->last_rx_ring == last_rx && d->cur_rx_ring == first_rx;

	return nm_close(d) == 0 && same;
}

static void
names(void)
{
	static const struct {
		const char *name, *port;
		uint32_t flags;
		uint16_t ring, memory;
	} good[] = {
		{ "netmap:e", "e", NR_REG_ALL_NIC, 0, 0 },
		{ "netmap:e^", "e", NR_REG_SW, 0, 0 },
		{ "netmap:e*/x@2", "e", NR_REG_NIC_SW | NR_EXCLUSIVE, 0, 2 },
		{ "netmap:e-4094", "e", NR_REG_ONE_NIC, 4094, 0 },
		{ "netmap:e{3@65535/zt", "e", NR_REG_PIPE_MASTER | NR_ZCOPY_MON | NR_MONITOR_TX, 3, 65535 },
		{ "netmap:e}3/rRT", "e", NR_REG_PIPE_SLAVE | NR_MONITOR_RX | NR_RX_RINGS_ONLY | NR_TX_RINGS_ONLY, 3, 0 },
		{ "netmap:e/@2", "e", NR_REG_ALL_NIC, 0, 2 },
		{ "vale0:a_b", "vale0:a_b", NR_REG_ALL_NIC, 0, 0 },
		{ "vale:1-0", "vale:1", NR_REG_ONE_NIC, 0, 0 },
		{ "netmap:123456789012345", "123456789012345", NR_REG_ALL_NIC, 0, 0 },
	};
	static const char *const bad[] = {
		"netmap:", "netmap:e-", "netmap:e-x", "netmap:e--1", "netmap:e-4095", "netmap:e^1", "netmap:e^*", "netmap:e{1}2", "netmap:e*-1",
		"netmap:e/", "netmap:e/q", "netmap:e/x/t", "netmap:e@", "netmap:e@0", "netmap:e@2@3", "netmap:e@65536", "netmap:e@2x",
		"netmap:1234567890123456", "vale0", "vale-1:x", "vale0:a:b", "vale0:a.b", "vale0:1@conf:rings=1",
	};
	struct nm_desc d;
	char err[MAXERRMSG + 1];
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		memset(&d, 0, sizeof(d));
		CHECK(nm_parse(good[i].name, &d, NULL) == 0 && d.self == &d && strcmp(d.req.nr_name, good[i].port) == 0);
		CHECK(d.req.nr_flags == good[i].flags && d.req.nr_ringid == good[i].ring && d.req.nr_arg2 == good[i].memory);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(&d, 0, sizeof(d));
		memset(err, 'x', sizeof(err));
		errno = 0;
		if (nm_parse(bad[i], &d, err) != -1 || errno != EINVAL || strlen(err) < 5 || err[MAXERRMSG] != 'x') {
			printf("%s was not refused\n", bad[i]);
			failures++;
		}
		CHECK(nm_open(bad[i], NULL, 0, NULL) == NULL && errno == EINVAL && opened == 0);
	}
	errno = 5;
	CHECK(nm_open("eth0", NULL, 0, NULL) == NULL && errno == 0);
	errno = 5;
	CHECK(nm_parse("eth0", &d, NULL) == -1 && errno == 0);
}

static void
memories(void)
{
	struct nm_desc *parent = nm_open("netmap:e", NULL, 0, NULL), *child;

	CHECK(parent != NULL && opened == 1 && mapped == 1 && IS_NETMAP_DESC(parent) && NETMAP_FD(parent) == 100);
	CHECK(parent->nifp == (void *)memory && parent->some_ring == NETMAP_RXRING(parent->nifp, 0));
	CHECK(parent->buf_start == memory + BUFFERS_AT && parent->buf_end == memory + MEMORY && parent->memsize == MEMORY);
	/* A parent's memory is used under NM_OPEN_NO_MMAP too, and stays with the parent. */
	child = nm_open("netmap:e", NULL, NM_OPEN_NO_MMAP | NM_OPEN_ARG2, parent);
	CHECK(child != NULL && mapped == 1 && child->mem == memory && child->nifp != NULL && child->some_ring != NULL && !child->done_mmap);
	CHECK(nm_close(child) == 0 && mapped == 1 && opened == 1);
	child = nm_open("netmap:e@8", NULL, 0, parent);
	CHECK(child != NULL && mapped == 2 && nm_close(child) == 0 && mapped == 1);
	child = nm_open("netmap:e", NULL, NM_OPEN_NO_MMAP, NULL);
	CHECK(child != NULL && child->mem == NULL && nm_mmap(child, NULL) == 0 && mapped == 2 && nm_mmap(child, NULL) == 0 && mapped == 2);
	CHECK(nm_close(child) == 0 && nm_close(parent) == 0 && opened == 0 && mapped == 0);
	/* Only rings that are bound have a place. */
	child = nm_open("netmap:e/T", NULL, 0, NULL);
	CHECK(child != NULL && child->some_ring == NETMAP_TXRING(child->nifp, 0) && child->buf_start == memory + BUFFERS_AT);
	CHECK(nm_close(child) == 0);
}

static void
requests(void)
{
	struct nm_desc *d, parent;
	struct nmreq req;

	memset(&req, 0, sizeof(req));
	req.nr_flags = NR_ACCEPT_VNET_HDR | NR_REG_SW;
	req.nr_ringid = NETMAP_DO_RX_POLL;
	req.nr_tx_slots = 256;
	req.nr_arg1 = 2;
	req.nr_arg2 = 9;
	req.nr_arg3 = 3;
	d = nm_open("netmap:e-1", &req, NETMAP_NO_TX_POLL, NULL);
	CHECK(asked.nr_version == NETMAP_API && asked.nr_flags == (NR_ACCEPT_VNET_HDR | NR_REG_ONE_NIC));
	CHECK(asked.nr_ringid == (1 | NETMAP_NO_TX_POLL) && asked.nr_tx_slots == 256);
	CHECK(asked.nr_arg1 == 2 && asked.nr_arg2 == 0 && asked.nr_arg3 == 3);
	CHECK(d != NULL && ranges(d, 1, 1, 1, 1));
	memset(&parent, 0, sizeof(parent));
	parent.self = &parent;
	parent.req.nr_arg1 = 21;
	parent.req.nr_arg2 = 22;
	parent.req.nr_arg3 = 23;
	parent.req.nr_rx_slots = 24;
	strcpy(parent.req.nr_name, "p");
	parent.req.nr_flags = NR_REG_SW;
	d = nm_open("netmap:e", &req, NM_OPEN_RING_CFG, &parent);
	CHECK(asked.nr_arg1 == 4 && asked.nr_arg2 == 0 && asked.nr_arg3 == 0 && asked.nr_tx_slots == 0 && asked.nr_rx_slots == 24);
	CHECK(d != NULL && strcmp(asked.nr_name, "e") == 0 && ranges(d, 0, 1, 0, 1));
	d = nm_open("netmap:e", NULL, NM_OPEN_IFNAME | NM_OPEN_ARG1 | NM_OPEN_ARG2 | NM_OPEN_ARG3, &parent);
	CHECK(asked.nr_arg1 == 21 && asked.nr_arg2 == 22 && asked.nr_arg3 == 23 && strcmp(asked.nr_name, "p") == 0);
	CHECK(d != NULL && ranges(d, 2, 2, 2, 2));
	d = nm_open("netmap:e*", NULL, 0, NULL);
	CHECK(d != NULL && ranges(d, 0, 2, 0, 2));
	d = nm_open("netmap:e{4", NULL, 0, NULL);
	CHECK(asked.nr_ringid == 4 && d != NULL && ranges(d, 0, 0, 0, 0));
}

static void
errors(void)
{
	open_error = ENOENT;
	CHECK(nm_open("netmap:e", NULL, 0, NULL) == NULL && errno == ENOENT);
	open_error = 0;
	bind_error = EBUSY;
	CHECK(nm_open("netmap:e", NULL, 0, NULL) == NULL && errno == EBUSY && opened == 0);
	bind_error = 0;
	map_error = ENOMEM;
	CHECK(nm_open("netmap:e", NULL, 0, NULL) == NULL && errno == ENOMEM && opened == 0 && mapped == 0);
	map_error = 0;
}

int
main(void)
{
	names();
	memories();
	requests();
	errors();
	CHECK(opened == 0 && mapped == 0);
	return failures != 0;
}
