/* Uses each macro and function of the headers that needs no open port. */
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
#include <net/netmap_virt.h>
#include <libnetmap.h>
#include "check.h"

static void
lines(void)
{
	int i;

	for (i = 0; i < 3; i++) {
		D("always %d", i);
		RD(2, "twice a second at most %d", i);
		ND("never %d", undeclared);
	}
	D("without arguments");
}

static void
sync_loop(void)
{
	struct nm_csb_atok to;
	struct nm_csb_ktoa from;
	uint32_t hwtail = 0, hwcur = 0;

	memset(&to, 0, sizeof(to));
	memset(&from, 0, sizeof(from));
	nm_sync_kloop_appl_write(&to, 5, 4);
	CHECK(to.cur == 5 && to.head == 4);
	from.hwcur = 6;
	from.hwtail = 7;
	nm_sync_kloop_appl_read(&from, &hwtail, &hwcur);
	CHECK(hwtail == 7 && hwcur == 6);
	nm_stst_barrier();
	nm_ldld_barrier();
	nm_stld_barrier();
}

static void
slots(void)
{
	struct netmap_if *nifp = make_port();
	struct netmap_ring *tx = NETMAP_TXRING(nifp, 1), *rx = NETMAP_RXRING(nifp, 0);
	struct netmap_slot *slot = &tx->slot[0];
	char text[70] = "a frame";

	CHECK((char *)tx == memory + RING_AT(1) && (char *)rx == memory + RING_AT(3));
	CHECK(NETMAP_IF(memory, 0) == nifp && _NETMAP_OFFSET(char *, memory, 3) == memory + 3);
	CHECK(NETMAP_BUF(tx, 3) == memory + BUFFERS_AT + 3 * BUFFER);
	CHECK(NETMAP_BUF_IDX(tx, NETMAP_BUF(tx, 3)) == 3);
	SET(tx->offset_mask, uint64_t, 0xff);
	slot->ptr = 0xabcd00;
	NETMAP_WOFFSET(tx, slot, 0x110);
	CHECK(slot->ptr == 0xabcd10 && NETMAP_ROFFSET(tx, slot) == 0x10);
	CHECK(NETMAP_BUF_OFFSET(tx, slot) == NETMAP_BUF(tx, slot->buf_idx) + 0x10);
	CHECK(nm_ring_next(tx, 6) == 7 && nm_ring_next(tx, 7) == 0);
	CHECK(nm_ring_space(tx) == 7 && !nm_ring_empty(tx) && !nm_tx_pending(tx) && nm_ring_empty(rx));
	tx->head = 6;
	tx->tail = 2;
	CHECK(nm_ring_space(tx) == 4 && nm_tx_pending(tx));
	slot->flags = NS_MOREFRAG | (3 << NS_PORT_SHIFT);
	CHECK(NS_RFRAGS(slot) == 3 && (slot->flags & NS_PORT_MASK) == 0x300);
	nm_pkt_copy("another frame", text, 7);
	CHECK(strcmp(text, "another") == 0);
}

static void
requests(void)
{
	struct nmreq_header header;
	struct nmreq_option one, two, *o;
	int count = 0;

	memset(&one, 0, sizeof(one));
	memset(&two, 0, sizeof(two));
	nmreq_header_init(&header, NETMAP_REQ_REGISTER, &two);
	CHECK(header.nr_version == NETMAP_API && header.nr_reqtype == 1 && header.nr_body == (uintptr_t)&two);
	one.nro_reqtype = NETMAP_REQ_OPT_CSB;
	two.nro_reqtype = NETMAP_REQ_OPT_EXTMEM;
	nmreq_push_option(&header, &one);
	nmreq_push_option(&header, &two);
	nmreq_foreach_option(&header, o)
		count++;
	CHECK(count == 2 && nmreq_find_option(&header, NETMAP_REQ_OPT_CSB) == &one);
	nmreq_remove_option(&header, &one);
	CHECK(nmreq_find_option(&header, NETMAP_REQ_OPT_CSB) == NULL && two.nro_next == 0);
	CHECK(strcmp(nmreq_option_name(NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS), "sync-kloop-eventfds") == 0);
	CHECK(strcmp(nmreq_option_name(77), "unknown") == 0);
}

int
main(void)
{
	const char *word = "vale_0-";

	lines();
	sync_loop();
	slots();
	requests();
	CHECK(likely(2) == 1 && unlikely(0) == 0);
	CHECK(nm_is_identifier(word, word + 6) && !nm_is_identifier(word, word + 7) && nm_is_identifier(word, word));
	CHECK(!IS_NETMAP_DESC(NULL) && strcmp(NETMAP_DEVICE_NAME, "/dev/netmap") == 0);
	CHECK(nm_close(NULL) == EINVAL);
	return failures != 0;
}
