/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One client of `netmap bench ipc`, an ordinary netmap program: peer PORT tx|rx SECONDS BATCH. It says "ready", works when
 * it is sent a line, and reports as the .NET client does. A sender ends at the next line.
 */
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FRAME	60
#define WARM_UP	0.5	/* seconds, not counted */

static atomic_bool told;

static double
seconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void *
listen_for_end(void *unused)
{
	(void)unused;
	getchar();
	atomic_store(&told, true);
	return NULL;
}

/* Frames lie in the buffers before the work begins, as in pkt-gen: from station 2 to station 1, which nobody is. */
static void
fill(struct nm_desc *port)
{
	for (int r = port->first_tx_ring; r <= port->last_tx_ring; r++) {
		struct netmap_ring *ring = NETMAP_TXRING(port->nifp, r);

		for (uint32_t i = 0; i < ring->num_slots; i++) {
			unsigned char *frame = (unsigned char *)NETMAP_BUF(ring, ring->slot[i].buf_idx);

			memset(frame, 0, FRAME);
			frame[0] = frame[6] = frame[11] = 2;
			frame[5] = 1;
		}
	}
}

static long
send_batch(struct nm_desc *port, uint32_t batch)
{
	struct netmap_ring *ring = NETMAP_TXRING(port->nifp, port->first_tx_ring);
	uint32_t space = nm_ring_space(ring), at = ring->head;

	if (space == 0) {
		struct pollfd wait = { .fd = port->fd, .events = POLLOUT };

		poll(&wait, 1, 5000);
		space = nm_ring_space(ring);
	}
	if (space > batch)
		space = batch;
	for (uint32_t i = 0; i < space; i++) {
		ring->slot[at].len = FRAME;
		ring->slot[at].flags = 0;
		at = nm_ring_next(ring, at);
	}
	ring->head = ring->cur = at;
	ioctl(port->fd, NIOCTXSYNC, NULL);
	return space;
}

static long
receive(struct nm_desc *port)
{
	struct netmap_ring *ring = NETMAP_RXRING(port->nifp, port->first_rx_ring);
	struct pollfd wait = { .fd = port->fd, .events = POLLIN };
	long count = 0, bytes = 0;
	uint32_t at;

	poll(&wait, 1, 100);
	for (at = ring->head; at != ring->tail; at = nm_ring_next(ring, at)) {
		bytes += ring->slot[at].len;
		count++;
	}
	ring->head = ring->cur = at;
	if (bytes != count * FRAME) {
		fprintf(stderr, "a frame of another length arrived\n");
		exit(1);
	}
	return count;
}

static void
receive_for(struct nm_desc *port, double time, long *packets)
{
	double end = seconds(CLOCK_MONOTONIC) + time;

	while (seconds(CLOCK_MONOTONIC) < end)
		*packets += receive(port);
}

int
main(int argc, char **argv)
{
	struct nm_desc *port = argc == 5 ? nm_open(argv[1], NULL, 0, NULL) : NULL;
	double time, cpu, window = argc == 5 ? atof(argv[3]) : 0;
	long packets = 0;

	if (port == NULL) {
		perror(argc == 5 ? argv[1] : "peer PORT tx|rx SECONDS BATCH");
		return 1;
	}
	fill(port);
	printf("ready\n");
	fflush(stdout);
	getchar();
	if (strcmp(argv[2], "tx") == 0) {
		pthread_t listener;

		pthread_create(&listener, NULL, listen_for_end, NULL);
		time = seconds(CLOCK_MONOTONIC);
		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
		while (!atomic_load_explicit(&told, memory_order_relaxed))
			packets += send_batch(port, atoi(argv[4]));
	} else {
		/* The sender may take its time to start. */
		for (int i = 0; i < 200 && receive(port) == 0; i++)
			;
		receive_for(port, WARM_UP, &packets);
		packets = 0;
		time = seconds(CLOCK_MONOTONIC);
		cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
		receive_for(port, window, &packets);
	}
	time = seconds(CLOCK_MONOTONIC) - time;
	cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("{\"packets\":%ld,\"mpps\":%f,\"cpu\":%f}\n", packets, packets / time / 1e6, cpu / time);
	fflush(stdout);
	return 0;
}
