/* Packets: pipes, switches, monitors, buffers that change places: traffic TEST. Each test runs in a process of its own. */
#include "check.h"

#include <pthread.h>

#define MASTER	"pp{1"
#define SLAVE	"pp}1"

static void
pipes(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);

	CHECK(a.reg.nr_mem_id == b.reg.nr_mem_id);
	for (uint32_t i = 0; i < 5000; i++) {
		send_one(&a, i);
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		CHECK(take_all(&b, i) == 1);
	}
	close_port(&b);
	close_port(&a);
}

static void *
blast(void *argument)
{
	struct port *port = argument;

	for (int i = 0; i < 20000; i++)
		CHECK(ioctl(port->fd, i & 1 ? NIOCTXSYNC : NIOCRXSYNC, NULL) == 0);
	return NULL;
}

static void
threads(void)
{
	struct port a = open_port(MASTER, 0);
	pthread_t all[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&all[i], NULL, blast, &a) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(all[i], NULL) == 0);
	close_port(&a);
}

/* Two processes on one switch; the receiver says when it is through with a burst, for a switch drops what does not fit. */
static void
vale(void)
{
	struct port a = open_port("vale0:a", 0);
	int ready[2];
	pid_t child;

	CHECK(pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		struct port b = open_port("vale0:b", 0);
		struct pollfd fd = { .fd = b.fd, .events = POLLIN };

		CHECK(write(ready[1], "x", 1) == 1);
		for (uint32_t got = 0; got < 100000;) {
			CHECK(poll(&fd, 1, 10000) == 1);
			got += take_all(&b, got);
			if (got % 500 == 0)
				CHECK(write(ready[1], "x", 1) == 1);
		}
		_exit(0);
	}
	for (uint32_t i = 0; i < 100000;) {
		CHECK(read(ready[0], &(char){ 0 }, 1) == 1);
		for (int burst = 0; burst < 500; burst++)
			put(&a, i++);
		CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
	}
	wait_for(child);
}

/* As lb does: frames leave the ring in their buffers, spare ones take their places, and all come back at the end. */
static void
extra_buffers(void)
{
	struct port a = open_port(MASTER, 0), b = { .reg = { .nr_extra_bufs = 100 } };
	struct netmap_ring *ring;
	uint32_t kept[100];

	b.fd = open("/dev/netmap", O_RDWR);
	CHECK(b.fd >= 0 && try_register(b.fd, SLAVE, &b.reg) == 0 && b.reg.nr_extra_bufs == 100);
	map_port(&b);
	ring = NETMAP_RXRING(b.nifp, 0);
	for (uint32_t i = 0; i < 100; i++)
		send_one(&a, i);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && nm_ring_space(ring) == 100);
	for (uint32_t i = 0; i < 100; i++) {
		struct netmap_slot *slot = &ring->slot[ring->head];
		uint32_t spare = b.nifp->ni_bufs_head;

		CHECK(spare != 0);
		b.nifp->ni_bufs_head = *(uint32_t *)(void *)NETMAP_BUF(ring, spare);
		kept[i] = slot->buf_idx;
		slot->buf_idx = spare;
		slot->flags |= NS_BUF_CHANGED;
		ring->head = ring->cur = nm_ring_next(ring, ring->head);
	}
	CHECK(b.nifp->ni_bufs_head == 0 && ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
	for (uint32_t i = 0, found; i < 100; i++) {
		memcpy(&found, NETMAP_BUF(ring, kept[i]) + 14, sizeof(found));
		CHECK(found == i);
		*(uint32_t *)(void *)NETMAP_BUF(ring, kept[i]) = b.nifp->ni_bufs_head;
		b.nifp->ni_bufs_head = kept[i];
	}
	/* The ring goes on with the spare ones. */
	send_one(&a, 100);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, 100) == 1);
	close_port(&b);
	close_port(&a);
}

/* As bridge does: what one port received another one sends, by exchanging the buffers of their slots. */
static void
swaps(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0), c = open_port("pp{2", 0), d = open_port("pp}2", 0);
	struct netmap_ring *in = NETMAP_RXRING(b.nifp, 0), *out = NETMAP_TXRING(c.nifp, 0);

	CHECK(b.reg.nr_mem_id == c.reg.nr_mem_id);
	for (uint32_t i = 0; i < 5000; i++) {
		struct pollfd fds[2] = { { .fd = b.fd, .events = POLLIN }, { .fd = c.fd, .events = POLLOUT } };

		send_one(&a, i);
		CHECK(poll(fds, 2, 10000) == 2 && nm_ring_space(in) == 1 && nm_ring_space(out) > 0);
		{
			struct netmap_slot *from = &in->slot[in->head], *to = &out->slot[out->head];
			uint32_t spare = to->buf_idx;

			to->buf_idx = from->buf_idx;
			to->len = from->len;
			from->buf_idx = spare;
			to->flags |= NS_BUF_CHANGED;
			from->flags |= NS_BUF_CHANGED;
		}
		in->head = in->cur = nm_ring_next(in, in->head);
		out->head = out->cur = nm_ring_next(out, out->head);
		CHECK(ioctl(c.fd, NIOCTXSYNC, NULL) == 0 && ioctl(d.fd, NIOCRXSYNC, NULL) == 0 && take_all(&d, i) == 1);
		CHECK(ioctl(d.fd, NIOCRXSYNC, NULL) == 0);
	}
}

/* Copying monitors see what goes by, in both directions. */
static void
monitors(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0), sent = open_port(MASTER, NR_MONITOR_TX), got = open_port(SLAVE, NR_MONITOR_RX);

	for (uint32_t i = 0; i < 1000; i++) {
		send_one(&a, i);
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, i) == 1 && ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
		CHECK(ioctl(sent.fd, NIOCRXSYNC, NULL) == 0 && take_all(&sent, i) == 1);
		CHECK(ioctl(got.fd, NIOCRXSYNC, NULL) == 0 && take_all(&got, i) == 1);
	}
}

static const struct test tests[] = {
	TEST(pipes), TEST(threads), TEST(vale), TEST(extra_buffers), TEST(swaps), TEST(monitors),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
