/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Binds a port, by NIOCCTRL or NIOCREGIF, says with what result, and ends or holds the port until it is killed:
 * opens PORT new|old [hold].
 */
#include <net/netmap.h>
#include <net/netmap_user.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int
bind_now(int fd, const char *name)
{
	struct nmreq_register body = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER, .nr_body = (uintptr_t)&body };

	snprintf(header.nr_name, sizeof(header.nr_name), "%s", name);
	return ioctl(fd, NIOCCTRL, &header);
}

static int
bind_old(int fd, const char *name)
{
	struct nmreq request = { .nr_version = NETMAP_API, .nr_flags = NR_REG_ALL_NIC };

	snprintf(request.nr_name, sizeof(request.nr_name), "%s", name);
	return ioctl(fd, NIOCREGIF, &request);
}

int
main(int count, char **arguments)
{
	int fd = open("/dev/netmap", O_RDWR), result;

	if (count < 3 || fd < 0)
		return 2;
	result = strcmp(arguments[2], "old") == 0 ? bind_old(fd, arguments[1]) : bind_now(fd, arguments[1]);
	puts(result == 0 ? "bound" : strerror(errno));
	fflush(stdout);
	if (result == 0 && count > 3)
		pause();
	return result == 0 ? 0 : 1;
}
