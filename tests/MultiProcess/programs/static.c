/* A program without a C library of its own to stand in front of: it finds no netmap, and exits with 7. */
#include <fcntl.h>
#include <stdio.h>

int
main(void)
{
	if (open("/dev/netmap", O_RDWR) >= 0)
		return 0;
	perror("/dev/netmap");
	return 7;
}
