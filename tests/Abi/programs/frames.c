/* nm_inject(), nm_dispatch(), nm_nextpkt() and nmport_inject() on rings made by hand. */
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
#include <libnetmap.h>
#include "check.h"

static struct nm_desc port;
static char long_frame[300];

static void
make(void)
{
	memset(&port, 0, sizeof(port));
	port.self = &port;
	port.nifp = make_port();
	port.last_tx_ring = port.last_rx_ring = 1;
}

/* Both ways to send, on the same rings. */
static int
send_frame(int library, const void *frame, size_t size)
{
	struct nmport_d d;
	int sent;

	if (!library)
		return nm_inject(&port, frame, size);
	memset(&d, 0, sizeof(d));
	d.nifp = port.nifp;
	d.last_tx_ring = port.last_tx_ring;
	d.cur_tx_ring = port.cur_tx_ring;
	sent = nmport_inject(&d, frame, size);
	port.cur_tx_ring = d.cur_tx_ring;
	return sent;
}

static void
sending(int library)
{
	struct netmap_ring *first, *second;

	make();
	first = NETMAP_TXRING(port.nifp, 0);
	second = NETMAP_TXRING(port.nifp, 1);
	CHECK(send_frame(library, "one", 3) == 3 && first->head == 1 && first->cur == 1);
	CHECK(first->slot[0].len == 3 && first->slot[0].flags == 0 && memcmp(NETMAP_BUF(first, 2), "one", 3) == 0);
	/* Two whole buffers and a byte; then one that fits exactly. */
	CHECK(send_frame(library, long_frame, 2 * BUFFER + 1) == 2 * BUFFER + 1 && first->head == 4);
	CHECK(first->slot[1].flags == NS_MOREFRAG && first->slot[2].len == BUFFER && first->slot[3].len == 1 && first->slot[3].flags == 0);
	CHECK(send_frame(library, long_frame, BUFFER) == BUFFER && first->head == 5 && first->slot[4].flags == 0);
	/* Two slots are left there: a frame of three goes to the other ring, and so does what follows. */
	CHECK(send_frame(library, long_frame, 3 * BUFFER) == 3 * BUFFER && first->head == 5 && second->head == 3 && port.cur_tx_ring == 1);
	CHECK(send_frame(library, "two", 3) == 3 && second->head == 4);
	CHECK(send_frame(library, long_frame, 4 * BUFFER) == 0 && first->head == 5 && second->head == 4);
	CHECK(send_frame(library, long_frame, 3 * BUFFER) == 3 * BUFFER && second->head == 7);
	CHECK(send_frame(library, long_frame, 2 * BUFFER) == 2 * BUFFER && first->head == 7 && port.cur_tx_ring == 0);
	CHECK(send_frame(library, "full", 4) == 0 && send_frame(library, "", 0) == 0);
	/* An offset takes of a buffer what lies before it, and nothing is written behind the buffer. */
	make();
	SET(first->offset_mask, uint64_t, 0xff);
	first->slot[0].ptr = 60;
	first->slot[1].ptr = 4;
	CHECK(send_frame(library, "0123456789", 10) == 10 && first->head == 2);
	CHECK(first->slot[0].len == 4 && first->slot[0].flags == NS_MOREFRAG && first->slot[1].len == 6);
	CHECK(memcmp(NETMAP_BUF(first, 2) + 60, "0123", 4) == 0 && memcmp(NETMAP_BUF(first, 3) + 4, "456789", 6) == 0);
	CHECK(NETMAP_BUF(first, 3)[0] == 0);
}

static struct seen {
	uint32_t len, caplen;
	int ring, more;
} seen[16];
static int count;

static void
look(u_char *arg, const struct nm_pkthdr *h, const u_char *buf)
{
	CHECK(arg == (u_char *)&port && h->d == &port && buf == h->buf && h->ts.tv_sec == 9);
	seen[count].len = h->len;
	seen[count].caplen = h->caplen;
	seen[count].ring = port.cur_rx_ring;
	seen[count++].more = (int)(h->flags & NM_MORE_PKTS);
}

static int
got(int i, uint32_t len, uint32_t caplen, int ring, int more)
{
	return seen[i].len == len && seen[i].caplen == caplen && seen[i].ring == ring && seen[i].more == more;
}

static void
arrive(int ring, uint16_t len, uint16_t flags)
{
	struct netmap_ring *rx = NETMAP_RXRING(port.nifp, ring);

	rx->ts.tv_sec = 9;
	rx->slot[rx->tail].len = len;
	rx->slot[rx->tail].flags = flags;
	rx->tail = nm_ring_next(rx, rx->tail);
}

static int
dispatch(int most)
{
	count = 0;
	return nm_dispatch(&port, most, look, (u_char *)&port);
}

static void
receiving(void)
{
	struct netmap_ring *first;
	struct nm_pkthdr h;

	make();
	first = NETMAP_RXRING(port.nifp, 0);
	CHECK(dispatch(-1) == 0 && count == 0);
	arrive(0, 10, 0);
	arrive(1, 20, 0);
	arrive(1, 30, 0);
	CHECK(dispatch(0) == 3 && count == 3);
	CHECK(got(0, 10, 10, 0, 1) && got(1, 20, 20, 1, 1) && got(2, 30, 30, 1, 0));
	/* The next look begins where the last frame was, and the ring of the only frame is told. */
	arrive(0, 40, 0);
	CHECK(dispatch(-1) == 1 && got(0, 40, 40, 0, 0) && port.cur_rx_ring == 0);
	arrive(0, 1, 0);
	arrive(0, 2, 0);
	CHECK(dispatch(1) == 1 && got(0, 1, 1, 0, 0) && first->head == 3 && first->cur == 3);
	/* Fragments: bytes that can be read in one go are those of full buffers in a row, and of the one behind them. */
	make();
	arrive(0, BUFFER, NS_MOREFRAG);
	arrive(0, BUFFER, NS_MOREFRAG);
	arrive(0, 5, 0);
	arrive(0, 0, NS_MOREFRAG);
	arrive(0, 7, 0);
	arrive(0, 8, NS_MOREFRAG);
	arrive(0, 9, 0);
	CHECK(dispatch(-1) == 3 && first->head == 7);
	CHECK(got(0, 2 * BUFFER + 5, 2 * BUFFER + 5, 0, 1) && got(1, 7, 0, 0, 1) && got(2, 17, 8, 0, 0));
	/* A last fragment that is missing. */
	make();
	arrive(0, 6, NS_MOREFRAG);
	CHECK(dispatch(-1) == 1 && got(0, 6, 6, 0, 0) && first->head == 1);
	/* One slot at a time, round the rings; no more of the header is written than a pcap_pkthdr has. */
	make();
	arrive(1, 11, NS_MOREFRAG);
	arrive(1, 12, 0);
	memset(&h, 0x55, sizeof(h));
	CHECK(nm_nextpkt(&port, &h) == (u_char *)NETMAP_BUF(first, 2 + 4 * SLOTS) && h.len == 11 && h.caplen == 11 && h.ts.tv_sec == 9);
	CHECK(h.flags == 0x5555555555555555 && port.cur_rx_ring == 1);
	CHECK(nm_nextpkt(&port, &h) != NULL && h.len == 12 && nm_nextpkt(&port, &h) == NULL);
}

int
main(void)
{
	memset(long_frame, 'x', sizeof(long_frame));
	sending(0);
	sending(1);
	receiving();
	return failures != 0;
}
