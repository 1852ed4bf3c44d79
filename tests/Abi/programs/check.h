/* Checks that name themselves, and a port's memory made by hand: two transmit and two receive rings, and a host ring of each. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

#define SLOTS		8
#define BUFFER		64
#define RINGS		6	/* tx 0, tx 1, host tx, rx 0, rx 1, host rx */
#define RING_AT(i)	(1024 + (size_t)(i) * 512)
#define BUFFERS_AT	8192
#define MEMORY		(BUFFERS_AT + (RINGS * SLOTS + 2) * BUFFER)

static int failures;

#define CHECK(condition) do { \
	if (!(condition)) { \
		printf("%s:%d: %s\n", __FILE__, __LINE__, #condition); \
		failures++; \
	} \
} while (0)

/* Writes a field that programs only read. */
#define SET(field, type, value) do { \
	type value_ = (type)(value); \
	memcpy((void *)(uintptr_t)&(field), &value_, sizeof(field)); \
} while (0)

static char memory[MEMORY] __attribute__((aligned(128)));

/* The ring at that place of ring_ofs, empty: buffers 2 and on, eight for each ring. */
static inline struct netmap_ring *
make_ring(int i)
{
	struct netmap_ring *ring = (struct netmap_ring *)(void *)(memory + RING_AT(i));
	uint32_t slot;

	SET(ring->buf_ofs, int64_t, BUFFERS_AT - RING_AT(i));
	SET(ring->num_slots, uint32_t, SLOTS);
	SET(ring->nr_buf_size, uint32_t, BUFFER);
	ring->tail = i < 3 ? SLOTS - 1 : 0;
	for (slot = 0; slot < SLOTS; slot++)
		ring->slot[slot].buf_idx = 2 + (uint32_t)i * SLOTS + slot;
	return ring;
}

static inline struct netmap_if *
make_port(void)
{
	struct netmap_if *nifp = (struct netmap_if *)(void *)memory;
	int i;

	memset(memory, 0, sizeof(memory));
	SET(nifp->ni_tx_rings, uint32_t, 2);
	SET(nifp->ni_rx_rings, uint32_t, 2);
	SET(nifp->ni_host_tx_rings, uint32_t, 1);
	SET(nifp->ni_host_rx_rings, uint32_t, 1);
	for (i = 0; i < RINGS; i++) {
		make_ring(i);
		SET(nifp->ring_ofs[i], ssize_t, RING_AT(i));
	}
	return nifp;
}

#endif /* CHECK_H */
