/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * select(2) as the kernel does it: a poll, with its own view of which events count. Sets may be longer than fd_set.
 */
#include "shim.h"

#include <errno.h>
#include <stdlib.h>

#define BITS	(8 * (int)sizeof(unsigned long))

static bool
has(const fd_set *set, int fd)
{
	return set != NULL && (((const unsigned long *)(const void *)set)[fd / BITS] >> fd % BITS & 1) != 0;
}

bool
select_concerns(int count, const fd_set *read, const fd_set *write, const fd_set *except)
{
	int highest = atomic_load_explicit(&shim_highest, memory_order_relaxed);

	for (int fd = 0; fd < count && fd <= highest; fd++) {
		if ((is_file(fd) || table_watch(fd) != NULL) && (has(read, fd) || has(write, fd) || has(except, fd)))
			return true;
	}
	return false;
}

static int
mark(fd_set *set, int fd, bool found)
{
	if (!has(set, fd))
		return 0;
	if (found)
		return 1;
	((unsigned long *)(void *)set)[fd / BITS] &= ~(1ul << fd % BITS);
	return 0;
}

static short
events_of(int fd, const fd_set *read, const fd_set *write, const fd_set *except)
{
	return (short)((has(read, fd) ? POLLIN : 0) | (has(write, fd) ? POLLOUT : 0) | (has(except, fd) ? POLLPRI : 0));
}

/* What was found goes into the sets; how many, or -1. */
static int
give_back(const struct pollfd *fds, nfds_t used, fd_set *read, fd_set *write, fd_set *except)
{
	int result = 0;

	for (nfds_t i = 0; i < used; i++) {
		if ((fds[i].revents & POLLNVAL) != 0) {
			errno = EBADF;
			return -1;
		}
	}
	for (nfds_t i = 0; i < used; i++) {
		short found = fds[i].revents;

		result += mark(read, fds[i].fd, (found & (POLLIN | POLLRDNORM | POLLHUP | POLLERR)) != 0);
		result += mark(write, fds[i].fd, (found & (POLLOUT | POLLWRNORM | POLLERR)) != 0);
		result += mark(except, fds[i].fd, (found & POLLPRI) != 0);
	}
	return result;
}

/* The memory goes, too, if the thread is cancelled. */
static int
poll_with(void *memory, struct pollfd *fds, nfds_t used, const struct timespec *timeout, const sigset_t *mask)
{
	int result;

	pthread_cleanup_push(free, memory);
	result = file_poll(fds, used, timeout, mask);
	pthread_cleanup_pop(0);
	return result;
}

int
file_select(int count, fd_set *read, fd_set *write, fd_set *except, const struct timespec *timeout, const sigset_t *mask)
{
	struct pollfd few[64], *many = NULL, *fds;
	nfds_t used = 0;
	int result;

	for (int fd = 0; fd < count; fd++)
		used += events_of(fd, read, write, except) != 0;
	if (used > 64 && (many = malloc(used * sizeof(*many))) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	fds = many != NULL ? many : few;
	used = 0;
	for (int fd = 0; fd < count; fd++) {
		short events = events_of(fd, read, write, except);

		if (events != 0)
			fds[used++] = (struct pollfd){ .fd = fd, .events = events };
	}
	result = poll_with(many, fds, used, timeout, mask);
	if (result >= 0)
		result = give_back(fds, used, read, write, except);
	free(many);
	return result;
}
