/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls that make descriptors. A number that the kernel gives out was free: if the table has something under it, that was closed in
 * a way that we do not see (a system call of the program's own, io_uring, the C library from within).
 */
#include "shim.h"

#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int
fresh(int fd)
{
	table_fresh(fd);
	return fd;
}

static int
fresh_pair(int result, const int pair[2])
{
	if (result == 0) {
		table_fresh(pair[0]);
		table_fresh(pair[1]);
	}
	return result;
}

EXPORT int
socket(int domain, int type, int protocol)
{
	return fresh(REAL(socket)(domain, type, protocol));
}

EXPORT int
socketpair(int domain, int type, int protocol, int pair[2])
{
	return fresh_pair(REAL(socketpair)(domain, type, protocol, pair), pair);
}

EXPORT int
pipe(int pair[2])
{
	return fresh_pair(REAL(pipe)(pair), pair);
}

EXPORT int
pipe2(int pair[2], int flags)
{
	return fresh_pair(REAL(pipe2)(pair, flags), pair);
}

EXPORT int
accept(int fd, struct sockaddr *address, socklen_t *length)
{
	return fresh(REAL(accept)(fd, address, length));
}

EXPORT int
accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
	return fresh(REAL(accept4)(fd, address, length, flags));
}

EXPORT int
eventfd(unsigned int count, int flags)
{
	return fresh(REAL(eventfd)(count, flags));
}

EXPORT int
epoll_create(int size)
{
	return fresh(REAL(epoll_create)(size));
}

EXPORT int
epoll_create1(int flags)
{
	return fresh(REAL(epoll_create1)(flags));
}

EXPORT int
timerfd_create(clockid_t clock, int flags)
{
	return fresh(REAL(timerfd_create)(clock, flags));
}

EXPORT int
signalfd(int fd, const sigset_t *mask, int flags)
{
	int result = REAL(signalfd)(fd, mask, flags);

	return fd == result ? result : fresh(result);
}

EXPORT int
inotify_init(void)
{
	return fresh(REAL(inotify_init)());
}

EXPORT int
inotify_init1(int flags)
{
	return fresh(REAL(inotify_init1)(flags));
}

EXPORT int
memfd_create(const char *name, unsigned int flags)
{
	return fresh(REAL(memfd_create)(name, flags));
}

ALIAS(pipe);
