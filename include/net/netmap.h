/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The netmap application interface, version 14, for programs that run on Netmap.NET. Written anew; names, numbers and
 * layouts are those of netmap, so that programs written for it compile unchanged. See LICENSE for the authors of netmap.
 */
#ifndef _NET_NETMAP_H_
#define _NET_NETMAP_H_

#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <net/if.h>

#define NETMAP_API		14
#define NETMAP_MIN_API		14
#define NETMAP_MAX_API		15

#define NM_CACHE_ALIGN		128
#define NETMAP_REQ_IFNAMSIZ	64
#define NETMAP_REQ_MAXSIZE	4096
#define NETMAP_MAX_FRAGS	64

/* One entry of a ring: which buffer, how many bytes, which flags. */
struct netmap_slot {
	uint32_t buf_idx;
	uint16_t len;
	uint16_t flags;
	uint64_t ptr;
};

#define NS_BUF_CHANGED	0x0001	/* the program put another buffer into the slot */
#define NS_REPORT	0x0002	/* report completion soon */
#define NS_FORWARD	0x0004	/* pass on to the host rings */
#define NS_NO_LEARN	0x0008	/* a switch shall not learn the source address */
#define NS_INDIRECT	0x0010	/* the data is at ptr */
#define NS_MOREFRAG	0x0020	/* the frame goes on in the next slot */
#define NS_TXMON	0x0040	/* copy of a transmitted frame */
#define NS_PORT_SHIFT	8
#define NS_PORT_MASK	(0xff << NS_PORT_SHIFT)
#define NS_RFRAGS(slot)	(((slot)->flags >> 8) & 0xff)

/* A ring in shared memory. Slots [head, tail) are the program's. */
struct netmap_ring {
	const int64_t buf_ofs;		/* from here to buffer 0, bytes */
	const uint32_t num_slots;
	const uint32_t nr_buf_size;
	const uint16_t ringid;
	const uint16_t dir;		/* 0 receive, 1 transmit */

	uint32_t head;			/* first slot the program owns */
	uint32_t cur;			/* wake up when tail passes this */
	uint32_t tail;			/* first slot the port owns */

	uint32_t flags;			/* NR_TIMESTAMP, NR_FORWARD */
	struct timeval ts;		/* last receive sync */
	const uint64_t offset_mask;	/* the bits of a slot's ptr that are an offset; 0 without the option */
	const uint64_t buf_align;	/* of buffer and offset in a transmit slot */

	uint8_t __attribute__((aligned(NM_CACHE_ALIGN))) sem[128];
	struct netmap_slot slot[];
};

#define NR_TIMESTAMP	0x0002
#define NR_FORWARD	0x0004

/* True while the program owns no slot. */
static inline int
nm_ring_empty(struct netmap_ring *ring)
{
	return ring->head == ring->tail;
}

/* Describes the rings of one open file. ring_ofs: NIC tx, host tx, NIC rx, host rx; bytes from this struct. */
struct netmap_if {
	char ni_name[IFNAMSIZ];
	const uint32_t ni_version;
	const uint32_t ni_flags;
	const uint32_t ni_tx_rings;
	const uint32_t ni_rx_rings;
	uint32_t ni_bufs_head;		/* list of extra buffers */
	const uint32_t ni_host_tx_rings;
	const uint32_t ni_host_rx_rings;
	uint32_t ni_spare1[3];
	const ssize_t ring_ofs[];
};

#define NI_PRIV_MEM	0x1

#include <net/netmap_legacy.h>

/* Argument of NIOCCTRL. Options and body are addresses. */
struct nmreq_header {
	uint16_t nr_version;
	uint16_t nr_reqtype;
	uint32_t nr_reserved;
	char nr_name[NETMAP_REQ_IFNAMSIZ];
	uint64_t nr_options;
	uint64_t nr_body;
};

enum {
	NETMAP_REQ_REGISTER = 1,
	NETMAP_REQ_PORT_INFO_GET,
	NETMAP_REQ_VALE_ATTACH,
	NETMAP_REQ_VALE_DETACH,
	NETMAP_REQ_VALE_LIST,
	NETMAP_REQ_PORT_HDR_SET,
	NETMAP_REQ_PORT_HDR_GET,
	NETMAP_REQ_VALE_NEWIF,
	NETMAP_REQ_VALE_DELIF,
	NETMAP_REQ_VALE_POLLING_ENABLE,
	NETMAP_REQ_VALE_POLLING_DISABLE,
	NETMAP_REQ_POOLS_INFO_GET,
	NETMAP_REQ_SYNC_KLOOP_START,
	NETMAP_REQ_SYNC_KLOOP_STOP,
	NETMAP_REQ_CSB_ENABLE,
};

/* Head of each option in a list. */
struct nmreq_option {
	uint64_t nro_next;
	uint32_t nro_reqtype;
	uint32_t nro_status;
	uint64_t nro_size;
};

enum {
	NETMAP_REQ_OPT_EXTMEM = 1,
	NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
	NETMAP_REQ_OPT_CSB,
	NETMAP_REQ_OPT_SYNC_KLOOP_MODE,
	NETMAP_REQ_OPT_OFFSETS,
	NETMAP_REQ_OPT_MAX,
};

struct nmreq_register {
	uint64_t nr_offset;
	uint64_t nr_memsize;
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_host_tx_rings;
	uint16_t nr_host_rx_rings;
	uint16_t nr_mem_id;
	uint16_t nr_ringid;
	uint32_t nr_mode;
	uint32_t nr_extra_bufs;
	uint64_t nr_flags;
};

enum {
	NR_REG_DEFAULT = 0,
	NR_REG_ALL_NIC,
	NR_REG_SW,
	NR_REG_NIC_SW,
	NR_REG_ONE_NIC,
	NR_REG_PIPE_MASTER,
	NR_REG_PIPE_SLAVE,
	NR_REG_NULL,
	NR_REG_ONE_SW,
};

#define NR_MONITOR_TX		0x100
#define NR_MONITOR_RX		0x200
#define NR_ZCOPY_MON		0x400
#define NR_EXCLUSIVE		0x800
#define NR_RX_RINGS_ONLY	0x2000
#define NR_TX_RINGS_ONLY	0x4000
#define NR_ACCEPT_VNET_HDR	0x8000
#define NR_DO_RX_POLL		0x10000
#define NR_NO_TX_POLL		0x20000

struct nmreq_port_info_get {
	uint64_t nr_memsize;
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_host_tx_rings;
	uint16_t nr_host_rx_rings;
	uint16_t nr_mem_id;
	uint16_t pad[3];
};

#define NM_BDG_NAME	"vale"

struct nmreq_vale_attach {
	struct nmreq_register reg;
	uint32_t port_index;
	uint32_t pad1;
};

struct nmreq_vale_detach {
	uint32_t port_index;
	uint32_t pad1;
};

struct nmreq_vale_list {
	uint16_t nr_bridge_idx;
	uint16_t pad1;
	uint32_t nr_port_idx;
};

struct nmreq_port_hdr {
	uint32_t nr_hdr_len;
	uint32_t pad1;
};

struct nmreq_vale_newif {
	uint32_t nr_tx_slots;
	uint32_t nr_rx_slots;
	uint16_t nr_tx_rings;
	uint16_t nr_rx_rings;
	uint16_t nr_mem_id;
	uint16_t pad1;
};

#define NETMAP_POLLING_MODE_SINGLE_CPU	1
#define NETMAP_POLLING_MODE_MULTI_CPU	2

struct nmreq_vale_polling {
	uint32_t nr_mode;
	uint32_t nr_first_cpu_id;
	uint32_t nr_num_polling_cpus;
	uint32_t pad1;
};

struct nmreq_pools_info {
	uint64_t nr_memsize;
	uint16_t nr_mem_id;
	uint16_t pad1[3];
	uint64_t nr_if_pool_offset;
	uint32_t nr_if_pool_objtotal;
	uint32_t nr_if_pool_objsize;
	uint64_t nr_ring_pool_offset;
	uint32_t nr_ring_pool_objtotal;
	uint32_t nr_ring_pool_objsize;
	uint64_t nr_buf_pool_offset;
	uint32_t nr_buf_pool_objtotal;
	uint32_t nr_buf_pool_objsize;
};

struct nmreq_sync_kloop_start {
	uint32_t sleep_us;
	uint32_t pad1;
};

/* Indices a program shares with a sync loop, and back. */
struct nm_csb_atok {
	uint32_t head;
	uint32_t cur;
	uint32_t appl_need_kick;
	uint32_t sync_flags;
	uint32_t pad[12];
};

struct nm_csb_ktoa {
	uint32_t hwcur;
	uint32_t hwtail;
	uint32_t kern_need_kick;
	uint32_t pad[13];
};

/* Stores before it are seen before stores after it. */
static inline void
nm_stst_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

/* Loads before it are done before loads after it. */
static inline void
nm_ldld_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

/* Stores before it are seen before loads after it are done. */
static inline void
nm_stld_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * Hands a ring's cur and head to a sync loop, which reads head no later than cur. So cur is stored first: the loop may see a newer
 * cur than head, which is legal, and never an older one, which would let head pass cur.
 */
static inline void
nm_sync_kloop_appl_write(struct nm_csb_atok *atok, uint32_t cur, uint32_t head)
{
	nm_stst_barrier();	/* slots before indices; the partner is the loop's copy of the entry, before it looks at slots */
	atok->cur = cur;
	nm_stst_barrier();	/* cur before head; the partner is the order of the loop's copy */
	atok->head = head;
}

/* Takes hwtail and hwcur from a sync loop, which writes hwcur no later than hwtail: hwcur is never older than hwtail. */
static inline void
nm_sync_kloop_appl_read(struct nm_csb_ktoa *ktoa, uint32_t *hwtail, uint32_t *hwcur)
{
	*hwtail = ktoa->hwtail;
	nm_ldld_barrier();	/* hwtail before hwcur; the partner is the order of the loop's copy */
	*hwcur = ktoa->hwcur;
	nm_ldld_barrier();	/* indices before slots; the partner is the loop's copy, after it filled the slots */
}

struct nmreq_opt_extmem {
	struct nmreq_option nro_opt;
	uint64_t nro_usrptr;
	struct nmreq_pools_info nro_info;
};

struct nmreq_opt_csb {
	struct nmreq_option nro_opt;
	uint64_t csb_atok;
	uint64_t csb_ktoa;
};

struct nmreq_opt_sync_kloop_eventfds {
	struct nmreq_option nro_opt;
	struct {
		int32_t ioeventfd;
		int32_t irqfd;
	} eventfds[];
};

#define NM_OPT_SYNC_KLOOP_DIRECT_TX	1
#define NM_OPT_SYNC_KLOOP_DIRECT_RX	2

struct nmreq_opt_sync_kloop_mode {
	struct nmreq_option nro_opt;
	uint32_t mode;
};

struct nmreq_opt_offsets {
	struct nmreq_option nro_opt;
	uint64_t nro_max_offset;
	uint64_t nro_initial_offset;
	uint32_t nro_offset_bits;
	uint32_t nro_tx_align;
	uint64_t nro_min_gap;
};

#define NIOCTXSYNC	_IO('i', 148)
#define NIOCRXSYNC	_IO('i', 149)
#define NIOCCTRL	_IOWR('i', 151, struct nmreq_header)

#endif /* _NET_NETMAP_H_ */
