/* Sends numbered broadcast frames with nm_open() and nm_inject(): sender PORT COUNT. */
#define NETMAP_WITH_LIBS
#include <net/netmap_user.h>
#include <poll.h>

int
main(int argc, char **argv)
{
	struct nm_desc *port = nm_open(argc > 1 ? argv[1] : "netmap:eth0", NULL, 0, NULL);
	long count = argc > 2 ? atol(argv[2]) : 1, sent = 0;
	unsigned char frame[60] = { 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 0x88, 0xb5 };
	struct pollfd wait;

	if (port == NULL) {
		perror("nm_open");
		return 1;
	}
	wait.fd = NETMAP_FD(port);
	wait.events = POLLOUT;
	while (sent < count) {
		memcpy(frame + 14, &sent, sizeof(sent));
		if (nm_inject(port, frame, sizeof(frame)) == 0)
			poll(&wait, 1, 1000);
		else
			sent++;
	}
	ioctl(port->fd, NIOCTXSYNC, NULL);
	return nm_close(port);
}
