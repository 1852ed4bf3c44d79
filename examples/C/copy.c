/*
 * Copies frames from one netmap port to another until interrupted, or until COUNT have passed; where both ports share their
 * memory, buffers change places and no byte is copied.
 *
 *	copy netmap:eth0 vale0:a [COUNT]
 */
#include <libnetmap.h>

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void
interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

/* Moves one slot's frame; the buffers of both ports are of one size. */
static void
move(struct netmap_ring *from, struct netmap_slot *in, struct netmap_ring *to, struct netmap_slot *out, int same_memory)
{
	if (same_memory) {
		uint32_t spare = out->buf_idx;

		out->buf_idx = in->buf_idx;
		in->buf_idx = spare;
		in->flags |= NS_BUF_CHANGED;
		out->flags = NS_BUF_CHANGED;
	} else {
		memcpy(NETMAP_BUF(to, out->buf_idx), NETMAP_BUF(from, in->buf_idx), in->len);
		out->flags = 0;
	}
	out->flags |= in->flags & NS_MOREFRAG;
	out->len = in->len;
}

/* All that fits, ring by ring; returns the number of frames. */
static uint64_t
copy(struct nmport_d *from, struct nmport_d *to)
{
	int same_memory = from->reg.nr_mem_id == to->reg.nr_mem_id;
	unsigned int rx = from->first_rx_ring, tx = to->first_tx_ring;
	uint64_t frames = 0;

	while (rx <= from->last_rx_ring && tx <= to->last_tx_ring) {
		struct netmap_ring *in = NETMAP_RXRING(from->nifp, rx), *out = NETMAP_TXRING(to->nifp, tx);

		if (nm_ring_empty(in)) {
			rx++;
		} else if (nm_ring_empty(out)) {
			tx++;
		} else {
			struct netmap_slot *slot = &in->slot[in->head];

			frames += (slot->flags & NS_MOREFRAG) == 0;
			move(in, slot, out, &out->slot[out->head], same_memory);
			in->head = in->cur = nm_ring_next(in, in->head);
			out->head = out->cur = nm_ring_next(out, out->head);
		}
	}
	return frames;
}

int
main(int argc, char **argv)
{
	struct nmport_d *from, *to;
	uint64_t frames = 0, wanted = argc > 3 ? strtoull(argv[3], NULL, 10) : UINT64_MAX;

	if (argc < 3) {
		fprintf(stderr, "usage: copy FROM TO [COUNT]\n");
		return 2;
	}
	/* libnetmap says on standard error what went wrong. */
	from = nmport_open(argv[1]);
	to = from != NULL ? nmport_open(argv[2]) : NULL;
	if (to == NULL) {
		nmport_close(from);
		return 1;
	}
	signal(SIGINT, interrupt);
	fprintf(stderr, "copying from %s to %s, %s\n", argv[1], argv[2],
	    from->reg.nr_mem_id == to->reg.nr_mem_id ? "buffers change places" : "byte by byte");
	while (!interrupted && frames < wanted) {
		/* Waiting for input also sends what is pending; when the way out is full, wait for that. */
		struct pollfd fds[2] = { { .fd = from->fd, .events = POLLIN }, { .fd = to->fd } };
		uint64_t copied = copy(from, to);

		frames += copied;
		if (copied == 0 && !nm_ring_empty(NETMAP_RXRING(from->nifp, from->first_rx_ring)))
			fds[1].events = POLLOUT, fds[0].events = 0;
		ioctl(to->fd, NIOCTXSYNC, NULL);
		if (frames < wanted) {
			int ready = poll(fds, 2, 1000);

			if (ready < 0 && !interrupted) {
				perror("poll");
				break;
			}
			if (ready > 0 && ((fds[0].revents | fds[1].revents) & POLLERR) != 0) {
				fprintf(stderr, "a port is gone\n");
				break;
			}
		}
	}
	ioctl(from->fd, NIOCRXSYNC, NULL);
	printf("%" PRIu64 " frames\n", frames);
	nmport_close(to);
	nmport_close(from);
	return 0;
}
