/* Counts frames with nm_dispatch(), then shows the slots of each ring by hand: receiver PORT. */
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
#include <poll.h>

static void
count(u_char *total, const struct nm_pkthdr *h, const u_char *buf)
{
	(void)buf;
	*(unsigned long *)(void *)total += h->len;
}

int
main(int argc, char **argv)
{
	struct nm_desc *port = nm_open(argc > 1 ? argv[1] : "netmap:eth0", NULL, NETMAP_NO_TX_POLL, NULL);
	unsigned long bytes = 0;
	struct pollfd wait;
	struct nm_pkthdr h;
	int i;

	if (port == NULL)
		return 1;
	wait.fd = port->fd;
	wait.events = POLLIN;
	if (poll(&wait, 1, 1000) > 0)
		nm_dispatch(port, -1, count, (u_char *)(void *)&bytes);
	for (i = port->first_rx_ring; i <= port->last_rx_ring; i++) {
		struct netmap_ring *ring = NETMAP_RXRING(port->nifp, i);

		printf("ring %d: %u of %u slots, %d\n", i, nm_ring_space(ring), ring->num_slots, nm_tx_pending(ring));
	}
	while (nm_nextpkt(port, &h) != NULL)
		bytes += h.len;
	printf("%lu bytes\n", bytes);
	return nm_close(port);
}
