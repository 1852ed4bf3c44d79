/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * nm_open() and its family, in a header as netmap has them. Included by netmap_user.h under NETMAP_WITH_LIBS.
 */
#ifndef _NET_NETMAP_OPEN_H_
#define _NET_NETMAP_OPEN_H_

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct nm_pkthdr {
	struct timeval ts;
	uint32_t caplen;
	uint32_t len;
	uint64_t flags;		/* NM_MORE_PKTS */
	struct nm_desc *d;
	struct netmap_slot *slot;
	uint8_t *buf;
};

#define NM_MORE_PKTS	1

struct nm_stat {
	u_int ps_recv;
	u_int ps_drop;
	u_int ps_ifdrop;
};

struct nm_desc {
	struct nm_desc *self;	/* == this: it is one of ours */
	int fd;
	void *mem;
	uint64_t memsize;
	int done_mmap;
	struct netmap_if *nifp;
	uint16_t first_tx_ring, last_tx_ring, cur_tx_ring;
	uint16_t first_rx_ring, last_rx_ring, cur_rx_ring;
	struct nmreq req;
	struct nm_pkthdr hdr;
	struct netmap_ring *some_ring;
	void *buf_start;
	void *buf_end;
	int snaplen;
	int promisc;
	int to_ms;
	char *errbuf;
	uint32_t if_flags;
	uint32_t if_reqcap;
	uint32_t if_curcap;
	struct nm_stat st;
	char msg[128];
};

#define P2NMD(p)		((struct nm_desc *)(void *)(p))
#define IS_NETMAP_DESC(d)	((d) && P2NMD(d)->self == P2NMD(d))
#define NETMAP_FD(d)		(P2NMD(d)->fd)

enum {
	NM_OPEN_NO_MMAP = 0x040000,	/* the parent's memory is used */
	NM_OPEN_IFNAME = 0x080000,	/* nr_name, nr_ringid, nr_flags from the parent */
	NM_OPEN_ARG1 = 0x100000,
	NM_OPEN_ARG2 = 0x200000,
	NM_OPEN_ARG3 = 0x400000,
	NM_OPEN_RING_CFG = 0x800000,	/* rings and slots from the parent */
};

typedef void (*nm_cb_t)(u_char *, const struct nm_pkthdr *, const u_char *);

static inline int
_nm_refuse(struct nm_desc *d, const char *why)
{
	snprintf(d->msg, sizeof(d->msg), "%s", why);
	errno = EINVAL;
	return -1;
}

static inline int
_nm_separator(char c)
{
	return c != '\0' && strchr("-*^{}/@", c) != NULL;
}

static inline int
_nm_number(const char **at, long limit, long *value)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return -1;
	*value = strtol(*at, &end, 10);
	*at = end;
	return *value > limit ? -1 : 0;
}

/* What follows the name: mode, flags, memory id. */
static inline int
_nm_suffix(const char *at, struct nm_desc *d)
{
	struct nmreq *req = &d->req;
	uint32_t mode = NR_REG_ALL_NIC, flags = 0;
	int has_memory = 0;
	long number = 0;

	while (*at != '\0') {
		char c = *at++;

		switch (c) {
		case '^':
			mode = NR_REG_SW;
			break;
		case '*':
			mode = NR_REG_NIC_SW;
			break;
		case '-':
		case '{':
		case '}':
			if (_nm_number(&at, NETMAP_RING_MASK, &number))
				return _nm_refuse(d, "a ring's or pipe's number is 0..4095");
			mode = c == '-' ? NR_REG_ONE_NIC : c == '{' ? NR_REG_PIPE_MASTER : NR_REG_PIPE_SLAVE;
			req->nr_ringid = (uint16_t)number;
			break;
		case '@':
			if (has_memory++ || _nm_number(&at, 0xffff, &number))
				return _nm_refuse(d, "one memory id, a number");
			req->nr_arg2 = (uint16_t)number;
			break;
		case '/':
			for (; *at != '\0' && *at != '@'; at++) {
				switch (*at) {
				case 'x': flags |= NR_EXCLUSIVE; break;
				case 'z': flags |= NR_ZCOPY_MON; break;
				case 't': flags |= NR_MONITOR_TX; break;
				case 'r': flags |= NR_MONITOR_RX; break;
				case 'R': flags |= NR_RX_RINGS_ONLY; break;
				case 'T': flags |= NR_TX_RINGS_ONLY; break;
				default: return _nm_refuse(d, "flags are x z t r R T");
				}
			}
			break;
		default:
			return _nm_refuse(d, "unexpected character in the port's name");
		}
	}
	req->nr_flags = mode | flags;
	return 0;
}

/* Takes a name apart into d->req; errno 0 when it is no netmap name at all. */
static inline int
nm_parse(const char *ifname, struct nm_desc *d, char *err)
{
	const char *name = ifname, *end;
	size_t length;
	int vale = strncmp(ifname, "vale", 4) == 0;

	errno = 0;
	if (!vale && strncmp(ifname, "netmap:", 7) != 0)
		return -1;
	if (!vale)
		name += 7;
	for (end = name; *end != '\0' && !_nm_separator(*end); end++)
		if (vale && *end != ':' && *end != '_' && !isalnum((unsigned char)*end))
			return _nm_refuse(d, "a switch's and port's name has letters, digits and _");
	length = (size_t)(end - name);
	if (length == 0 || length >= sizeof(d->req.nr_name) || (vale && memchr(name, ':', length) == NULL)) {
		_nm_refuse(d, "the interface's name is missing or too long");
		if (err != NULL)
			snprintf(err, sizeof(d->msg), "%s", d->msg);
		return -1;
	}
	memset(d->req.nr_name, 0, sizeof(d->req.nr_name));
	memcpy(d->req.nr_name, name, length);
	if (_nm_suffix(end, d) != 0) {
		if (err != NULL)
			snprintf(err, sizeof(d->msg), "%s", d->msg);
		return -1;
	}
	return 0;
}

/* Unmaps and closes. */
static inline int
nm_close(struct nm_desc *d)
{
	if (!IS_NETMAP_DESC(d))
		return EINVAL;
	if (d->done_mmap && d->mem != NULL)
		munmap(d->mem, d->memsize);
	if (d->fd != -1)
		close(d->fd);
	memset(d, 0, sizeof(*d));
	free(d);
	return 0;
}

/* Maps the memory, or shares the parent's when both use the same. */
static inline int
nm_mmap(struct nm_desc *d, const struct nm_desc *parent)
{
	if (d->done_mmap)
		return 0;
	if (parent != NULL && parent->mem != NULL && parent->req.nr_arg2 == d->req.nr_arg2) {
		d->memsize = parent->memsize;
		d->mem = parent->mem;
	} else {
		d->memsize = d->req.nr_memsize;
		d->mem = mmap(NULL, d->memsize, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
		if (d->mem == MAP_FAILED) {
			d->mem = NULL;
			return -1;
		}
		d->done_mmap = 1;
	}
	d->nifp = NETMAP_IF(d->mem, d->req.nr_offset);
	d->some_ring = d->first_rx_ring <= d->last_rx_ring ? NETMAP_RXRING(d->nifp, d->first_rx_ring) : NETMAP_TXRING(d->nifp, d->first_tx_ring);
	d->buf_start = NETMAP_BUF(d->some_ring, 0);
	d->buf_end = (char *)d->mem + d->memsize;
	return 0;
}

static inline void
_nm_ranges(struct nm_desc *d)
{
	const struct nmreq *req = &d->req;
	uint16_t tx = req->nr_tx_rings, rx = req->nr_rx_rings;

	d->first_tx_ring = d->first_rx_ring = 0;
	d->last_tx_ring = (uint16_t)(tx - 1);
	d->last_rx_ring = (uint16_t)(rx - 1);
	switch (req->nr_flags & NR_REG_MASK) {
	case NR_REG_SW:
		d->first_tx_ring = d->last_tx_ring = tx;
		d->first_rx_ring = d->last_rx_ring = rx;
		break;
	case NR_REG_NIC_SW:
		d->last_tx_ring = tx;
		d->last_rx_ring = rx;
		break;
	case NR_REG_ONE_NIC:
		d->first_tx_ring = d->last_tx_ring = d->first_rx_ring = d->last_rx_ring = req->nr_ringid & NETMAP_RING_MASK;
		break;
	case NR_REG_PIPE_MASTER:
	case NR_REG_PIPE_SLAVE:
		d->last_tx_ring = d->last_rx_ring = 0;
		break;
	default:
		break;
	}
	d->cur_tx_ring = d->first_tx_ring;
	d->cur_rx_ring = d->first_rx_ring;
}

static inline void
_nm_import(struct nm_desc *d, uint64_t flags, const struct nm_desc *parent)
{
	if (parent == NULL)
		return;
	if (flags & NM_OPEN_IFNAME) {
		memcpy(d->req.nr_name, parent->req.nr_name, sizeof(d->req.nr_name));
		d->req.nr_ringid = parent->req.nr_ringid;
		d->req.nr_flags = parent->req.nr_flags;
	}
	d->req.nr_arg1 = (flags & NM_OPEN_ARG1) ? parent->req.nr_arg1 : 4;
	if (flags & NM_OPEN_ARG2)
		d->req.nr_arg2 = parent->req.nr_arg2;
	if (flags & NM_OPEN_ARG3)
		d->req.nr_arg3 = parent->req.nr_arg3;
	if (flags & NM_OPEN_RING_CFG) {
		d->req.nr_tx_slots = parent->req.nr_tx_slots;
		d->req.nr_rx_slots = parent->req.nr_rx_slots;
		d->req.nr_tx_rings = parent->req.nr_tx_rings;
		d->req.nr_rx_rings = parent->req.nr_rx_rings;
	}
}

/* Opens and binds a port; NULL and errno (0: not a netmap name). */
static inline struct nm_desc *
nm_open(const char *ifname, const struct nmreq *req, uint64_t flags, const struct nm_desc *parent)
{
	struct nm_desc *d = (struct nm_desc *)calloc(1, sizeof(*d));
	int saved;

	if (d == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	d->self = d;
	d->fd = -1;
	if (req != NULL)
		d->req = *req;
	if (!(flags & NM_OPEN_IFNAME) && nm_parse(ifname, d, NULL) != 0)
		goto fail;
	_nm_import(d, flags, parent);
	d->req.nr_version = NETMAP_API;
	d->req.nr_ringid |= (uint16_t)(flags & (NETMAP_NO_TX_POLL | NETMAP_DO_RX_POLL));
	d->fd = open("/dev/netmap", O_RDWR);
	if (d->fd < 0 || ioctl(d->fd, NIOCREGIF, &d->req) != 0)
		goto fail;
	_nm_ranges(d);
	if (!(flags & NM_OPEN_NO_MMAP) && nm_mmap(d, parent) != 0)
		goto fail;
	return d;
fail:
	saved = errno;
	nm_close(d);
	errno = saved;
	return NULL;
}

/* Puts a frame into the next free slots, over several with NS_MOREFRAG when long; its size, or 0 when there is no room. */
static inline int
nm_inject(struct nm_desc *d, const void *buf, size_t size)
{
	u_int rings = (u_int)(d->last_tx_ring - d->first_tx_ring) + 1, k;

	for (k = 0; k < rings; k++) {
		u_int index = d->first_tx_ring + (d->cur_tx_ring - d->first_tx_ring + k) % rings;
		struct netmap_ring *ring = NETMAP_TXRING(d->nifp, index);
		size_t left = size, need = size == 0 ? 1 : (size + ring->nr_buf_size - 1) / ring->nr_buf_size;
		const char *from = (const char *)buf;
		uint32_t at = ring->head;

		if (nm_ring_space(ring) < need)
			continue;
		for (;; at = nm_ring_next(ring, at)) {
			struct netmap_slot *slot = &ring->slot[at];
			size_t part = left < ring->nr_buf_size ? left : ring->nr_buf_size;

			nm_pkt_copy(from, NETMAP_BUF_OFFSET(ring, slot), (int)part);
			slot->len = (uint16_t)part;
			from += part;
			left -= part;
			slot->flags = left > 0 ? NS_MOREFRAG : 0;
			if (left == 0)
				break;
		}
		ring->head = ring->cur = nm_ring_next(ring, at);
		d->cur_tx_ring = (uint16_t)index;
		return (int)size;
	}
	return 0;
}

/* Calls back for up to cnt frames (0 or -1: all); how many. The last call has no NM_MORE_PKTS. */
static inline int
nm_dispatch(struct nm_desc *d, int cnt, nm_cb_t cb, u_char *arg)
{
	u_int rings = (u_int)(d->last_rx_ring - d->first_rx_ring) + 1, k;
	int got = 0;

	d->hdr.buf = NULL;
	d->hdr.flags = NM_MORE_PKTS;
	d->hdr.d = d;
	if (cnt <= 0)
		cnt = -1;
	for (k = 0; k < rings && cnt != got; k++) {
		u_int index = d->first_rx_ring + (d->cur_rx_ring - d->first_rx_ring + k) % rings;
		struct netmap_ring *ring = NETMAP_RXRING(d->nifp, index);

		for (; !nm_ring_empty(ring) && cnt != got; got++) {
			struct netmap_slot *slot;
			uint8_t *expected;

			if (d->hdr.buf != NULL)
				cb(arg, &d->hdr, d->hdr.buf);
			slot = &ring->slot[ring->head];
			d->hdr.slot = slot;
			d->hdr.buf = (uint8_t *)NETMAP_BUF_OFFSET(ring, slot);
			d->hdr.len = d->hdr.caplen = slot->len;
			expected = d->hdr.buf + ring->nr_buf_size;
			while ((slot->flags & NS_MOREFRAG) && nm_ring_next(ring, ring->head) != ring->tail) {
				uint8_t *next;

				ring->head = nm_ring_next(ring, ring->head);
				slot = &ring->slot[ring->head];
				next = (uint8_t *)NETMAP_BUF_OFFSET(ring, slot);
				d->hdr.len += slot->len;
				if (next == expected && d->hdr.caplen % ring->nr_buf_size == 0) {
					d->hdr.caplen += slot->len;
					expected += ring->nr_buf_size;
				} else {
					expected = NULL;
				}
			}
			d->hdr.ts = ring->ts;
			ring->head = ring->cur = nm_ring_next(ring, ring->head);
		}
		d->cur_rx_ring = (uint16_t)index;
	}
	if (d->hdr.buf != NULL) {
		d->hdr.flags = 0;
		cb(arg, &d->hdr, d->hdr.buf);
	}
	return got;
}

/* The next slot's bytes, or NULL; the slot is released at once, so use them before the next sync. */
static inline u_char *
nm_nextpkt(struct nm_desc *d, struct nm_pkthdr *hdr)
{
	u_int index = d->cur_rx_ring;

	do {
		struct netmap_ring *ring = NETMAP_RXRING(d->nifp, index);

		if (!nm_ring_empty(ring)) {
			struct netmap_slot *slot = &ring->slot[ring->head];
			u_char *buf = (u_char *)NETMAP_BUF_OFFSET(ring, slot);

			hdr->ts = ring->ts;
			hdr->len = hdr->caplen = slot->len;
			hdr->slot = slot;
			hdr->d = d;
			hdr->buf = buf;
			ring->head = ring->cur = nm_ring_next(ring, ring->head);
			d->cur_rx_ring = (uint16_t)index;
			return buf;
		}
		index = index >= d->last_rx_ring ? d->first_rx_ring : index + 1;
	} while (index != d->cur_rx_ring);
	return NULL;
}

#endif /* _NET_NETMAP_OPEN_H_ */
