/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * nm_open() and its family, in a header as netmap has them. Included by netmap_user.h under NETMAP_WITH_LIBS.
 */
#ifndef _NET_NETMAP_OPEN_H_
#define _NET_NETMAP_OPEN_H_

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define HAVE_NETMAP_WITH_LIBS

#define NM_ERRBUF_SIZE	512
#define MAXERRMSG	80	/* what nm_parse() writes to err at most */

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
	size_t memsize;
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
	char msg[NM_ERRBUF_SIZE];
};

#define P2NMD(p)		((const struct nm_desc *)(p))
#define IS_NETMAP_DESC(d)	((d) && P2NMD(d)->self == P2NMD(d))
#define NETMAP_FD(d)		(P2NMD(d)->fd)

enum {
	NM_OPEN_NO_MMAP = 0x040000,	/* map nothing; with a parent, its memory is shared where it is the same */
	NM_OPEN_IFNAME = 0x080000,	/* nr_name, nr_ringid, nr_flags from the parent */
	NM_OPEN_ARG1 = 0x100000,
	NM_OPEN_ARG2 = 0x200000,
	NM_OPEN_ARG3 = 0x400000,
	NM_OPEN_RING_CFG = 0x800000,	/* rings and slots from the parent */
};

typedef void (*nm_cb_t)(u_char *, const struct nm_pkthdr *, const u_char *);

/* Letters, digits and _; none is fine. */
static inline int
nm_is_identifier(const char *s, const char *e)
{
	for (; s != e; s++)
		if (!isalnum((unsigned char)*s) && *s != '_')
			return 0;
	return 1;
}

static inline int
_nm_number(const char **at, long least, long most, long *value)
{
	char *end;

	if (!isdigit((unsigned char)**at))
		return -1;
	*value = strtol(*at, &end, 10);
	*at = end;
	return *value < least || *value > most ? -1 : 0;
}

/* What follows the name, into req: mode, then flags and a memory id. NULL, or what is wrong. */
static inline const char *
_nm_suffix(const char *at, struct nmreq *req)
{
	uint32_t mode = NR_REG_ALL_NIC, flags = 0;
	long ring = 0, memory = 0;
	char c = *at;

	if (c == '^' || c == '*') {
		mode = c == '^' ? NR_REG_SW : NR_REG_NIC_SW;
		at++;
	} else if (c == '-' || c == '{' || c == '}') {
		at++;
		if (_nm_number(&at, 0, NETMAP_RING_MASK - 1, &ring))
			return "a ring's or pipe's number is 0..4094";
		mode = c == '-' ? NR_REG_ONE_NIC : c == '{' ? NR_REG_PIPE_MASTER : NR_REG_PIPE_SLAVE;
	}
	while (*at != '\0') {
		c = *at++;
		if (c == '@') {
			if (memory != 0 || _nm_number(&at, 1, 0xffff, &memory))
				return "a memory id is one number of 1..65535";
			continue;
		}
		if (c != '/')
			return "unexpected character";
		if (*at == '\0')
			return "flags are missing";
		for (; *at != '\0' && *at != '@'; at++) {
			switch (*at) {
			case 'x': flags |= NR_EXCLUSIVE; break;
			case 'z': flags |= NR_ZCOPY_MON; break;
			case 't': flags |= NR_MONITOR_TX; break;
			case 'r': flags |= NR_MONITOR_RX; break;
			case 'R': flags |= NR_RX_RINGS_ONLY; break;
			case 'T': flags |= NR_TX_RINGS_ONLY; break;
			default: return "flags are x z t r R T";
			}
		}
	}
	req->nr_flags = (req->nr_flags & ~(uint32_t)NR_REG_MASK) | mode | flags;
	req->nr_ringid |= (uint16_t)ring;
	req->nr_arg2 = (uint16_t)memory;
	return NULL;
}

/* Takes a name apart into req. NULL, or what is wrong. */
static inline const char *
_nm_name(const char *name, int vale, struct nmreq *req)
{
	const char *port = name, *end;
	size_t length;

	if (vale) {
		port = strchr(name, ':');
		if (port == NULL)
			return "the ':' is missing";
		if (!nm_is_identifier(name + strlen(NM_BDG_NAME), port))
			return "a switch's name has letters, digits and _ only";
		port++;
	}
	end = port + strcspn(port, "-*^{}/@");
	if (vale && !nm_is_identifier(port, end))
		return "a port's name has letters, digits and _ only";
	length = (size_t)(end - name);
	if (length == 0 || length >= sizeof(req->nr_name))
		return "the name is missing or too long";
	memset(req->nr_name, 0, sizeof(req->nr_name));
	memcpy(req->nr_name, name, length);
	return _nm_suffix(end, req);
}

/* Takes a name apart into d->req, for which d->req's flags are kept; errno 0 when it is no netmap name at all. */
static inline int
nm_parse(const char *ifname, struct nm_desc *d, char *err)
{
	int vale = strncmp(ifname, NM_BDG_NAME, strlen(NM_BDG_NAME)) == 0;
	const char *why;

	errno = 0;
	if (!vale && strncmp(ifname, "netmap:", 7) != 0) {
		why = "a name starts with netmap: or valeSWITCH:";
	} else {
		why = _nm_name(vale ? ifname : ifname + 7, vale, &d->req);
		if (why == NULL) {
			d->self = d;
			return 0;
		}
		errno = EINVAL;
	}
	if (err != NULL)
		snprintf(err, MAXERRMSG, "%s", why);
	return -1;
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
	if (IS_NETMAP_DESC(parent) && parent->mem != NULL && parent->req.nr_arg2 == d->req.nr_arg2) {
		d->memsize = parent->memsize;
		d->mem = parent->mem;
	} else {
		d->memsize = d->req.nr_memsize;
		d->mem = mmap(NULL, d->memsize, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
		if (d->mem == MAP_FAILED) {
			d->mem = NULL;
			return EINVAL;
		}
		d->done_mmap = 1;
	}
	d->nifp = NETMAP_IF(d->mem, d->req.nr_offset);
	d->some_ring = NETMAP_RXRING(d->nifp, d->first_rx_ring);
	if ((void *)d->some_ring == (void *)d->nifp)	/* open for transmission only */
		d->some_ring = NETMAP_TXRING(d->nifp, d->first_tx_ring);
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
	case NR_REG_NULL:
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
	d->req.nr_arg1 = (flags & NM_OPEN_ARG1) ? parent->req.nr_arg1 : 4;
	if (flags & NM_OPEN_ARG2)
		d->req.nr_arg2 = parent->req.nr_arg2;
	d->req.nr_arg3 = (flags & NM_OPEN_ARG3) ? parent->req.nr_arg3 : 0;
	if (flags & NM_OPEN_RING_CFG) {
		d->req.nr_tx_slots = parent->req.nr_tx_slots;
		d->req.nr_rx_slots = parent->req.nr_rx_slots;
		d->req.nr_tx_rings = parent->req.nr_tx_rings;
		d->req.nr_rx_rings = parent->req.nr_rx_rings;
	}
	if (flags & NM_OPEN_IFNAME) {
		memcpy(d->req.nr_name, parent->req.nr_name, sizeof(d->req.nr_name));
		d->req.nr_ringid = parent->req.nr_ringid;
		d->req.nr_flags = parent->req.nr_flags;
	}
}

/*
 * Opens and binds a port. NULL and errno, with a line on standard error; errno 0, and no line, when it is no netmap name. req gives
 * what the name does not; flags say what the parent gives, and in the low bits NETMAP_NO_TX_POLL and NETMAP_DO_RX_POLL.
 */
static inline struct nm_desc *
nm_open(const char *ifname, const struct nmreq *req, uint64_t flags, const struct nm_desc *parent)
{
	struct nm_desc *d;
	char why[NM_ERRBUF_SIZE] = "";
	int saved;

	if (strncmp(ifname, "netmap:", 7) != 0 && strncmp(ifname, NM_BDG_NAME, strlen(NM_BDG_NAME)) != 0) {
		errno = 0;
		return NULL;
	}
	d = (struct nm_desc *)calloc(1, sizeof(*d));
	if (d == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	d->self = d;
	d->fd = -1;
	if (req != NULL)
		d->req = *req;
	if (!(flags & NM_OPEN_IFNAME) && nm_parse(ifname, d, why) != 0)
		goto fail;
	d->req.nr_version = NETMAP_API;
	d->req.nr_ringid &= NETMAP_RING_MASK;
	if (IS_NETMAP_DESC(parent) && flags != 0)
		_nm_import(d, flags, parent);
	d->req.nr_ringid |= (uint16_t)(flags & (NETMAP_NO_TX_POLL | NETMAP_DO_RX_POLL));
	d->fd = open(NETMAP_DEVICE_NAME, O_RDWR);
	if (d->fd < 0) {
		snprintf(why, sizeof(why), "/dev/netmap: %m; without the kernel module, use 'netmap run'");
		goto fail;
	}
	if (ioctl(d->fd, NIOCREGIF, &d->req) != 0) {
		snprintf(why, sizeof(why), "NIOCREGIF: %m");
		goto fail;
	}
	_nm_ranges(d);
	if ((!(flags & NM_OPEN_NO_MMAP) || parent != NULL) && nm_mmap(d, parent) != 0) {
		snprintf(why, sizeof(why), "mmap: %m");
		goto fail;
	}
	return d;
fail:
	saved = errno != 0 ? errno : EINVAL;
	fprintf(stderr, "nm_open: %s: %s\n", ifname, why);
	nm_close(d);
	errno = saved;
	return NULL;
}

/* Bytes of a slot's buffer behind its offset. */
static inline size_t
_nm_room(struct netmap_ring *ring, struct netmap_slot *slot)
{
	uint64_t offset = NETMAP_ROFFSET(ring, slot);

	return offset < ring->nr_buf_size ? ring->nr_buf_size - (size_t)offset : 0;
}

/* The slot that takes the last byte of a frame of that size; the ring's tail when the frame does not fit. */
static inline uint32_t
_nm_last_slot(struct netmap_ring *ring, size_t size)
{
	uint32_t at = ring->head;

	for (; at != ring->tail; at = nm_ring_next(ring, at)) {
		size_t room = _nm_room(ring, &ring->slot[at]);

		if (size <= room)
			break;
		size -= room;
	}
	return at;
}

/* Puts a frame into the next free slots, over several with NS_MOREFRAG when long; its size, or 0 when there is no room. */
static inline int
nm_inject(struct nm_desc *d, const void *buf, size_t size)
{
	u_int rings = (u_int)(d->last_tx_ring - d->first_tx_ring) + 1, k;

	for (k = 0; k < rings; k++) {
		u_int index = d->first_tx_ring + (d->cur_tx_ring - d->first_tx_ring + k) % rings;
		struct netmap_ring *ring = NETMAP_TXRING(d->nifp, index);
		uint32_t last = _nm_last_slot(ring, size), at = ring->head;
		const char *from = (const char *)buf;
		size_t left = size;

		if (last == ring->tail)
			continue;
		for (;; at = nm_ring_next(ring, at)) {
			struct netmap_slot *slot = &ring->slot[at];
			size_t room = _nm_room(ring, slot), part = left < room ? left : room;

			nm_pkt_copy(from, NETMAP_BUF_OFFSET(ring, slot), (int)part);
			slot->len = (uint16_t)part;
			slot->flags = at != last ? NS_MOREFRAG : 0;
			if (at == last)
				break;
			from += part;
			left -= part;
		}
		ring->head = ring->cur = nm_ring_next(ring, last);
		d->cur_tx_ring = (uint16_t)index;
		return (int)size;
	}
	return 0;
}

/* Takes the ring's next frame into d->hdr. */
static inline void
_nm_take(struct nm_desc *d, struct netmap_ring *ring)
{
	struct netmap_slot *slot = &ring->slot[ring->head];
	uint8_t *last = (uint8_t *)NETMAP_BUF_OFFSET(ring, slot);

	d->hdr.slot = slot;
	d->hdr.buf = last;
	d->hdr.len = d->hdr.caplen = slot->len;
	while ((slot->flags & NS_MOREFRAG) && nm_ring_next(ring, ring->head) != ring->tail) {
		uint16_t before = slot->len;
		uint8_t *next;

		ring->head = nm_ring_next(ring, ring->head);
		slot = &ring->slot[ring->head];
		next = (uint8_t *)NETMAP_BUF_OFFSET(ring, slot);
		d->hdr.len += slot->len;
		/* caplen covers buffers that follow one another in memory, each full but the last. */
		if (last != NULL && next == last + ring->nr_buf_size && before == ring->nr_buf_size) {
			d->hdr.caplen += slot->len;
			last = next;
		} else {
			last = NULL;
		}
	}
	d->hdr.ts = ring->ts;
	ring->head = ring->cur = nm_ring_next(ring, ring->head);
}

/*
 * Calls back for up to cnt frames (0 or -1: all); how many. The last call has no NM_MORE_PKTS, so each comes one frame late. During a
 * call cur_rx_ring is the ring of the frame.
 */
static inline int
nm_dispatch(struct nm_desc *d, int cnt, nm_cb_t cb, u_char *arg)
{
	u_int rings = (u_int)(d->last_rx_ring - d->first_rx_ring) + 1, first = d->cur_rx_ring, k;
	int got = 0;

	d->hdr.buf = NULL;
	d->hdr.flags = NM_MORE_PKTS;
	d->hdr.d = d;
	if (cnt <= 0)
		cnt = -1;
	for (k = 0; k < rings && cnt != got; k++) {
		u_int index = d->first_rx_ring + (first - d->first_rx_ring + k) % rings;
		struct netmap_ring *ring = NETMAP_RXRING(d->nifp, index);

		for (; !nm_ring_empty(ring) && cnt != got; got++) {
			if (d->hdr.buf != NULL)
				cb(arg, &d->hdr, d->hdr.buf);
			d->cur_rx_ring = (uint16_t)index;
			_nm_take(d, ring);
		}
	}
	if (d->hdr.buf != NULL) {
		d->hdr.flags = 0;
		cb(arg, &d->hdr, d->hdr.buf);
	}
	return got;
}

/*
 * The next slot's bytes, or NULL. It writes ts, caplen and len of hdr only, as many as a pcap_pkthdr has. The slot is released at once,
 * so use the bytes before the next sync.
 */
static inline u_char *
nm_nextpkt(struct nm_desc *d, struct nm_pkthdr *hdr)
{
	u_int index = d->cur_rx_ring;

	do {
		struct netmap_ring *ring = NETMAP_RXRING(d->nifp, index);

		if (!nm_ring_empty(ring)) {
			struct netmap_slot *slot = &ring->slot[ring->head];

			hdr->ts = ring->ts;
			hdr->len = hdr->caplen = slot->len;
			ring->head = ring->cur = nm_ring_next(ring, ring->head);
			d->cur_rx_ring = (uint16_t)index;
			return (u_char *)NETMAP_BUF_OFFSET(ring, slot);
		}
		index = index >= d->last_rx_ring ? d->first_rx_ring : index + 1;
	} while (index != d->cur_rx_ring);
	return NULL;
}

#endif /* _NET_NETMAP_OPEN_H_ */
