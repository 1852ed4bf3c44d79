/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Helpers for programs that use netmap rings, and with NETMAP_WITH_LIBS the nm_open() family. Written anew for Netmap.NET;
 * names and behaviour are those of netmap. See LICENSE for the authors of netmap.
 */
#ifndef _NET_NETMAP_USER_H_
#define _NET_NETMAP_USER_H_

#include <net/netmap.h>
#include <string.h>

#define _NM_OFFSET(type, base, bytes)	((type)(void *)((char *)(uintptr_t)(base) + (bytes)))

#define NETMAP_IF(base, ofs)	_NM_OFFSET(struct netmap_if *, base, ofs)

#define NETMAP_TXRING(nifp, index) \
	_NM_OFFSET(struct netmap_ring *, nifp, (nifp)->ring_ofs[index])

#define NETMAP_RXRING(nifp, index) \
	_NM_OFFSET(struct netmap_ring *, nifp, \
	    (nifp)->ring_ofs[(index) + (nifp)->ni_tx_rings + (nifp)->ni_host_tx_rings])

#define NETMAP_BUF(ring, index) \
	((char *)(ring) + (ring)->buf_ofs + ((long)(index) * (ring)->nr_buf_size))

#define NETMAP_BUF_IDX(ring, buf) \
	(((char *)(buf) - ((char *)(ring) + (ring)->buf_ofs)) / (ring)->nr_buf_size)

#define NETMAP_ROFFSET(ring, slot)	((slot)->ptr & (ring)->offset_mask)

#define NETMAP_WOFFSET(ring, slot, offset) do { \
	(slot)->ptr = ((slot)->ptr & ~(ring)->offset_mask) | ((offset) & (ring)->offset_mask); \
} while (0)

#define NETMAP_BUF_OFFSET(ring, slot) \
	(NETMAP_BUF(ring, (slot)->buf_idx) + NETMAP_ROFFSET(ring, slot))

static inline uint32_t
nm_ring_next(struct netmap_ring *ring, uint32_t i)
{
	return i + 1 == ring->num_slots ? 0 : i + 1;
}

/* Slots the program owns. */
static inline uint32_t
nm_ring_space(struct netmap_ring *ring)
{
	int owned = (int)ring->tail - (int)ring->head;

	return owned < 0 ? owned + (int)ring->num_slots : owned;
}

static inline int
nm_ring_empty(struct netmap_ring *ring)
{
	return ring->head == ring->tail;
}

/* True while frames handed over wait to be sent. */
static inline int
nm_tx_pending(struct netmap_ring *ring)
{
	return nm_ring_next(ring, ring->tail) != ring->head;
}

/* Copies a frame; may copy up to the next multiple of 64 bytes. */
static inline void
nm_pkt_copy(const void *from, void *to, int len)
{
	memcpy(to, from, len);
}

#ifdef NETMAP_WITH_LIBS
#include <net/netmap_open.h>
#endif

#endif /* _NET_NETMAP_USER_H_ */
