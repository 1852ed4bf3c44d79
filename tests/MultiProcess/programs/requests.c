/* What netmap answers, as a C program sees it on a server: requests TEST. Each test runs in a process of its own. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#define MASTER	"pp{1"
#define SLAVE	"pp}1"

static void
requests(void)
{
	struct nmreq_header header = { .nr_version = 10, .nr_reqtype = NETMAP_REQ_REGISTER };
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC };
	int fd = open("/dev/netmap", O_RDWR);
	char byte;

	CHECK(fd >= 0);
	header.nr_body = (uintptr_t)&reg;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EINVAL);
	REFUSED(ioctl(fd, NIOCCTRL, NULL), EINVAL);
	REFUSED(ioctl(fd, NIOCCTRL, (void *)8), EFAULT);
	REFUSED(ioctl(fd, NIOCREGIF, (void *)8), EFAULT);
	header.nr_version = NETMAP_API;
	header.nr_body = 8;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EFAULT);
	header.nr_body = (uintptr_t)&reg;
	header.nr_options = 8;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EFAULT);
	CHECK(header.nr_options == 8 && header.nr_body == (uintptr_t)&reg);
	header.nr_options = 0;
	REFUSED(ioctl(fd, NIOCCTRL, &header), ENXIO);
	REFUSED(ioctl(fd, 0x12345, NULL), EOPNOTSUPP);
	REFUSED(ioctl(fd, NIOCTXSYNC, NULL), ENXIO);
	REFUSED(ioctl(fd, NIOCRXSYNC, NULL), ENXIO);
	REFUSED(read(fd, &byte, 1), EINVAL);
	REFUSED(write(fd, "x", 1), EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL);
	strcpy(header.nr_name, "vale0:a");
	CHECK(ioctl(fd, NIOCCTRL, &header) == 0);
	CHECK(reg.nr_memsize == 42369024 && reg.nr_tx_rings == 1 && reg.nr_tx_slots == 1024);
	REFUSED(ioctl(fd, NIOCCTRL, &header), EBUSY);
	CHECK(mmap(NULL, reg.nr_memsize + 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(close(fd) == 0);
	REFUSED(ioctl(fd, NIOCTXSYNC, NULL), EBADF);
}

static void
options(void)
{
	struct nmreq_opt_offsets offsets = { .nro_opt.nro_reqtype = NETMAP_REQ_OPT_OFFSETS, .nro_max_offset = 128, .nro_initial_offset = 64 };
	struct nmreq_option unknown = { .nro_reqtype = 77, .nro_next = (uintptr_t)&offsets };
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER, .nr_name = "vale0:o" };
	int fd = open("/dev/netmap", O_RDWR);

	header.nr_body = (uintptr_t)&reg;
	header.nr_options = (uintptr_t)&unknown;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EOPNOTSUPP);
	CHECK(unknown.nro_status == EOPNOTSUPP && unknown.nro_next == (uintptr_t)&offsets && offsets.nro_opt.nro_status == 0);
	unknown.nro_size = 1 << 20;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EOPNOTSUPP);
	offsets.nro_opt.nro_size = NETMAP_REQ_MAXSIZE + 1;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EMSGSIZE);
	unknown.nro_next = (uintptr_t)&unknown;
	unknown.nro_reqtype = NETMAP_REQ_OPT_CSB;
	unknown.nro_size = 0;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EINVAL);
}

/* As programs asked before version 14. */
static void
legacy(void)
{
	struct nmreq req = { .nr_name = "fifteen-chars-x", .nr_version = 13, .nr_flags = NR_REG_PIPE_MASTER, .nr_ringid = 7 };
	struct port a = { .fd = open("/dev/netmap", O_RDWR) }, b;

	CHECK(a.fd >= 0);
	REFUSED(ioctl(a.fd, NIOCREGIF, &req), EINVAL);
	req.nr_version = NETMAP_API;
	req.nr_arg3 = 3;
	CHECK(ioctl(a.fd, NIOCREGIF, &req) == 0 && req.nr_arg3 == 3 && req.nr_ringid == 7 && req.nr_flags == NR_REG_PIPE_MASTER);
	a.reg.nr_memsize = req.nr_memsize;
	a.reg.nr_offset = req.nr_offset;
	map_port(&a);
	b = open_port("fifteen-chars-x}7", 0);
	send_one(&a, 0);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, 0) == 1);
	close_port(&b);
	close_port(&a);

	a = open_port("vale0:a", 0);
	req = (struct nmreq){ .nr_name = "vale0:a", .nr_version = NETMAP_API, .nr_cmd = NETMAP_BDG_VNET_HDR, .nr_arg1 = 11 };
	REFUSED(ioctl(a.fd, NIOCREGIF, &req), EINVAL);
	req.nr_arg1 = 10;
	CHECK(ioctl(a.fd, NIOCREGIF, &req) == 0);
	req.nr_cmd = NETMAP_VNET_HDR_GET;
	req.nr_arg1 = 0;
	CHECK(ioctl(a.fd, NIOCREGIF, &req) == 0 && req.nr_arg1 == 10);
	req = (struct nmreq){ .nr_version = NETMAP_API, .nr_cmd = NETMAP_BDG_LIST };
	CHECK(ioctl(a.fd, NIOCGINFO, &req) == 0 && strcmp(req.nr_name, "vale0:a") == 0);
	req.nr_cmd = 0;
	CHECK(ioctl(a.fd, NIOCGINFO, &req) == 0 && req.nr_memsize == a.reg.nr_memsize && req.nr_tx_slots == 1024);
	req.nr_cmd = NETMAP_PT_HOST_CREATE;
	REFUSED(ioctl(a.fd, NIOCREGIF, &req), ENOMEM);
	req.nr_cmd = 99;
	REFUSED(ioctl(a.fd, NIOCREGIF, &req), EINVAL);
	close_port(&a);
}

/* Frames in the program's own memory, to ports with other headers than the sender's. */
static void
headers(void)
{
	static unsigned char packet[12 + 1000];
	struct port a = open_port("vale0:a", 0), b = open_port("vale0:b", 0);
	struct nmreq_port_hdr body = { .nr_hdr_len = 12 };
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_PORT_HDR_SET, .nr_name = "vale0:a" };
	struct netmap_ring *tx = NETMAP_TXRING(a.nifp, 0), *rx = NETMAP_RXRING(b.nifp, 0);

	for (size_t i = 12; i < sizeof(packet); i++)
		packet[i] = i < 18 ? 0xff : (unsigned char)i & 0xfe;
	header.nr_body = (uintptr_t)&body;
	CHECK(ioctl(a.fd, NIOCCTRL, &header) == 0);
	for (uint32_t length = 0; length <= 12; length += length == 0 ? 10 : 2) {
		struct netmap_slot *slot = &tx->slot[tx->head];
		char *got;

		strcpy(header.nr_name, "vale0:b");
		body.nr_hdr_len = length;
		CHECK(ioctl(b.fd, NIOCCTRL, &header) == 0);
		slot[0] = (struct netmap_slot){ slot[0].buf_idx, 12, NS_INDIRECT | NS_MOREFRAG, (uintptr_t)packet };
		slot[1] = (struct netmap_slot){ slot[1].buf_idx, 1000, NS_INDIRECT, (uintptr_t)packet + 12 };
		tx->head = tx->cur = tx->head + 2;
		CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0 && ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		/* Between equal headers slots stay as they are. */
		CHECK(nm_ring_space(rx) == (length == 12 ? 2 : 1));
		slot = &rx->slot[rx->head];
		got = NETMAP_BUF(rx, slot->buf_idx);
		if (length == 12) {
			CHECK(slot[0].len == 12 && slot[1].len == 1000);
			got = NETMAP_BUF(rx, slot[1].buf_idx);
		} else {
			CHECK(slot->len == length + 1000);
			for (uint32_t i = 0; i < length; i++)
				CHECK(got[i] == 0);
			got += length;
		}
		CHECK(memcmp(got, packet + 12, 1000) == 0);
		rx->head = rx->cur = rx->tail;
	}
}

struct loop {
	int fd, fds[4];
	pthread_t thread;
	int result, error;
};

static void *
loop_thread(void *argument)
{
	struct loop *loop = argument;
	struct nmreq_sync_kloop_start body = { .sleep_us = 100 };
	struct { struct nmreq_option opt; int fds[4]; } pairs = { .opt.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS, .opt.nro_size = sizeof(pairs) };
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_SYNC_KLOOP_START };

	memcpy(pairs.fds, loop->fds, sizeof(pairs.fds));
	header.nr_body = (uintptr_t)&body;
	header.nr_options = (uintptr_t)&pairs;
	loop->result = ioctl(loop->fd, NIOCCTRL, &header);
	loop->error = errno;
	/* The numbers are the program's still. */
	CHECK(memcmp(pairs.fds, loop->fds, sizeof(pairs.fds)) == 0);
	return NULL;
}

/* One thread is in the loop, another rings, is told, and ends it. */
static void
kloop(void)
{
	static struct { struct nm_csb_atok atok[2]; struct nm_csb_ktoa ktoa[2]; } csb __attribute__((aligned(64)));
	struct nmreq_opt_csb option = { .nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB, .csb_atok = (uintptr_t)csb.atok, .csb_ktoa = (uintptr_t)csb.ktoa };
	struct port a = { .reg = { .nr_mode = NR_REG_ALL_NIC, .nr_flags = NR_EXCLUSIVE } }, b = open_port(SLAVE, 0);
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER, .nr_name = MASTER };
	int kick = eventfd(0, 0), told = eventfd(0, 0);
	struct loop loop = { .fds = { kick, -1, kick, told } };
	struct netmap_ring *ring;

	a.fd = loop.fd = open("/dev/netmap", O_RDWR);
	header.nr_body = (uintptr_t)&a.reg;
	header.nr_options = (uintptr_t)&option;
	option.csb_ktoa = 64;
	REFUSED(ioctl(a.fd, NIOCCTRL, &header), EFAULT);
	CHECK(option.nro_opt.nro_status == EFAULT);
	option.csb_ktoa = (uintptr_t)csb.ktoa;
	CHECK(ioctl(a.fd, NIOCCTRL, &header) == 0 && option.nro_opt.nro_status == 0);
	CHECK(csb.atok[0].appl_need_kick == 1 && csb.ktoa[0].hwtail == 1023);
	map_port(&a);
	REFUSED(ioctl(a.fd, NIOCTXSYNC, NULL), EBUSY);
	CHECK(pthread_create(&loop.thread, NULL, loop_thread, &loop) == 0);
	ring = NETMAP_TXRING(a.nifp, 0);
	for (uint32_t i = 0; i < 100; i++) {
		struct pollfd fd = { .fd = b.fd, .events = POLLIN }, tell = { .fd = told, .events = POLLIN };
		uint64_t count = 1;

		/* There. */
		ring->head = i;
		put(&a, i);
		csb.atok[0].cur = i + 1;
		__atomic_store_n(&csb.atok[0].head, i + 1, __ATOMIC_SEQ_CST);
		CHECK(write(kick, &count, sizeof(count)) == sizeof(count));
		CHECK(poll(&fd, 1, 10000) == 1 && take_all(&b, i) == 1);
		/* And back. */
		send_one(&b, i);
		CHECK(poll(&tell, 1, 10000) == 1 && read(told, &count, sizeof(count)) == sizeof(count));
		CHECK(__atomic_load_n(&csb.ktoa[1].hwtail, __ATOMIC_SEQ_CST) == i + 1);
		csb.atok[1].cur = i + 1;
		__atomic_store_n(&csb.atok[1].head, i + 1, __ATOMIC_SEQ_CST);
	}
	header = (struct nmreq_header){ .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_SYNC_KLOOP_STOP };
	CHECK(ioctl(a.fd, NIOCCTRL, &header) == 0);
	CHECK(pthread_join(loop.thread, NULL) == 0 && loop.result == 0);
	CHECK(close(kick) == 0 && close(told) == 0);
	close_port(&a);
	close_port(&b);
}

/* A program that dies in its loop leaves the port to others. */
static void
kloop_dies(void)
{
	struct nmreq_register reg = { .nr_flags = NR_EXCLUSIVE };
	int ready[2], fd, tries = 0;
	char byte;
	pid_t child;

	CHECK(pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		static struct { struct nm_csb_atok atok[2]; struct nm_csb_ktoa ktoa[2]; } csb __attribute__((aligned(64)));
		struct nmreq_opt_csb option = { .nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB, .csb_atok = (uintptr_t)csb.atok, .csb_ktoa = (uintptr_t)csb.ktoa };
		struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_CSB_ENABLE };
		struct port a = open_port(MASTER, NR_EXCLUSIVE);
		int kick = eventfd(0, 0);
		struct loop loop = { .fd = a.fd, .fds = { kick, -1, kick, -1 } };

		header.nr_options = (uintptr_t)&option;
		CHECK(ioctl(a.fd, NIOCCTRL, &header) == 0);
		csb.atok[0].cur = csb.atok[0].head = 1;
		CHECK(pthread_create(&loop.thread, NULL, loop_thread, &loop) == 0);
		while (__atomic_load_n(&csb.ktoa[0].hwcur, __ATOMIC_SEQ_CST) == 0)
			usleep(1000);
		CHECK(write(ready[1], "x", 1) == 1);
		pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	fd = open("/dev/netmap", O_RDWR);
	REFUSED(try_register(fd, MASTER, &reg), EBUSY);
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	/* The server learns of it a little later. */
	while (try_register(fd, MASTER, &reg) != 0) {
		CHECK(errno == EBUSY && tries++ < 10000);
		usleep(1000);
	}
}

static const struct test tests[] = {
	TEST(requests), TEST(options), TEST(legacy), TEST(headers), TEST(kloop), TEST(kloop_dies),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
