/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Helpers for programs that use netmap rings, and with NETMAP_WITH_LIBS the nm_open() family. Written anew for Netmap.NET;
 * names and behaviour are those of netmap. See LICENSE for the authors of netmap.
 */
#ifndef _NET_NETMAP_USER_H_
#define _NET_NETMAP_USER_H_

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <net/if.h>

#include <net/netmap.h>

#define NETMAP_DEVICE_NAME	"/dev/netmap"

#ifndef likely
#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)
#endif

#define _NETMAP_OFFSET(type, base, bytes)	((type)(void *)((char *)(base) + (bytes)))

#define NETMAP_IF(base, ofs)	_NETMAP_OFFSET(struct netmap_if *, base, ofs)

#define NETMAP_TXRING(nifp, index) \
	_NETMAP_OFFSET(struct netmap_ring *, nifp, (nifp)->ring_ofs[index])

#define NETMAP_RXRING(nifp, index) \
	_NETMAP_OFFSET(struct netmap_ring *, nifp, \
	    (nifp)->ring_ofs[(index) + (nifp)->ni_tx_rings + (nifp)->ni_host_tx_rings])

#define NETMAP_BUF(ring, index) \
	((char *)(ring) + (ring)->buf_ofs + ((size_t)(index) * (ring)->nr_buf_size))

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
	return unlikely(i + 1 == ring->num_slots) ? 0 : i + 1;
}

/* Slots the program owns. */
static inline uint32_t
nm_ring_space(struct netmap_ring *ring)
{
	int owned = (int)ring->tail - (int)ring->head;

	return owned < 0 ? owned + (int)ring->num_slots : owned;
}

/* True while frames handed over wait to be sent. */
static inline int
nm_tx_pending(struct netmap_ring *ring)
{
	return nm_ring_next(ring, ring->tail) != ring->head;
}

/*
 * A program's lines on standard error, with time, function and line: D() always, RD() at most so many a second, ND() never.
 * A program that uses D() or RD() includes <stdio.h>.
 */
#ifndef ND
#define ND(format, ...)	do { } while (0)

#define D(format, ...) do { \
	struct timeval nm_now_; \
	gettimeofday(&nm_now_, NULL); \
	fprintf(stderr, "%03d.%06d %s [%d] " format "\n", (int)(nm_now_.tv_sec % 1000), (int)nm_now_.tv_usec, \
	    __func__, __LINE__, ##__VA_ARGS__); \
} while (0)

#define RD(most, format, ...) do { \
	static time_t nm_second_; \
	static int nm_lines_; \
	struct timeval nm_at_; \
	gettimeofday(&nm_at_, NULL); \
	if (nm_second_ != nm_at_.tv_sec) { \
		nm_second_ = nm_at_.tv_sec; \
		nm_lines_ = 0; \
	} \
	if (nm_lines_++ < (most)) \
		D(format, ##__VA_ARGS__); \
} while (0)
#endif

/* Copies a frame. */
static inline void
nm_pkt_copy(const void *from, void *to, int len)
{
	memcpy(to, from, (size_t)len);
}

#ifdef NETMAP_WITH_LIBS
#include <net/netmap_open.h>
#endif

#endif /* _NET_NETMAP_USER_H_ */
