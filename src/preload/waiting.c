/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * poll and select with netmap files among the descriptors: the server does the sync that netmap's poll does, and when
 * nothing is ready the session's socket stands in the file's place while the kernel waits.
 */
#include "shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NETMAP_EVENTS	(POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR)

/* A poll in progress: its descriptors, and what stands in for them. Cancelled or not, all that was taken is given back. */
struct wait {
	struct waiter *waiters;
	struct pollfd *real;
	nfds_t count;
	void *memory;
	int cancel;			/* the thread's state outside */
};

/* One descriptor of a poll. */
struct waiter {
	struct file *file;		/* NULL: an ordinary one */
	struct session *session;	/* NULL with a file: there was no way in, which is an error of the descriptor */
};

bool
poll_concerns(const struct pollfd *fds, nfds_t count)
{
	if (atomic_load_explicit(&shim_highest, memory_order_relaxed) < 0)
		return false;
	for (nfds_t i = 0; i < count; i++) {
		if (is_file(fds[i].fd))
			return true;
	}
	return false;
}

static void
begin(struct waiter *waiters, struct pollfd *real, const struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++) {
		real[i] = fds[i];
		waiters[i] = (struct waiter){ NULL, NULL };
		if (!is_file(fds[i].fd) || (waiters[i].file = file_get(fds[i].fd)) == NULL)
			continue;
		waiters[i].session = session_take(waiters[i].file);
		real[i].fd = waiters[i].session != NULL ? waiters[i].session->fd : -1;
		real[i].events = POLLIN;
	}
}

static void
end(void *argument)
{
	struct wait *wait = argument;

	for (nfds_t i = 0; i < wait->count; i++) {
		if (wait->waiters[i].session != NULL) {
			session_end_wait(wait->waiters[i].session);
			session_give(wait->waiters[i].session);
		}
		if (wait->waiters[i].file != NULL)
			file_put(wait->waiters[i].file);
	}
	free(wait->memory);
}

/* Syncs each netmap file once, and says how many have something. With NMS_FLAG_ARM, those that have nothing will wake us. */
static int
look(struct waiter *waiters, struct pollfd *fds, nfds_t count, unsigned int flags)
{
	int found = 0;

	for (nfds_t i = 0; i < count; i++) {
		struct session *session = waiters[i].session;

		if (waiters[i].file == NULL)
			continue;
		if (session == NULL) {
			fds[i].revents = POLLERR;
		} else {
			uint64_t done = session_sync(session, NMS_OP_POLL, flags,
			    (unsigned int)(fds[i].events & NETMAP_EVENTS));

			fds[i].revents = (short)(NMS_FOUND(done) & NETMAP_EVENTS);
		}
		found += fds[i].revents != 0;
	}
	return found;
}

/* Waits in the kernel; the ordinary descriptors' events are those it found. Returns how many, or -1. */
static int
wait_real(const struct wait *wait, struct pollfd *fds, const struct timespec *timeout, const sigset_t *mask)
{
	int found;

	/* Here, and nowhere else, the thread may end. */
	cancel_restore(wait->cancel);
	found = REAL(ppoll)(wait->real, wait->count, timeout, mask);
	cancel_off();
	if (found < 0)
		return -1;
	found = 0;
	for (nfds_t i = 0; i < wait->count; i++) {
		if (wait->waiters[i].file == NULL) {
			fds[i].revents = wait->real[i].revents;
			found += fds[i].revents != 0;
		} else if (wait->real[i].revents != 0 && wait->waiters[i].session != NULL) {
			session_drain(wait->waiters[i].session);
		}
	}
	return found;
}

static struct timespec
left(int64_t deadline)
{
	int64_t ns = deadline - now_ns();

	ns = ns < 0 ? 0 : ns;
	return (struct timespec){ .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
}

/* No system call was needed; the thread may end here all the same. */
static void
may_end(const struct wait *wait)
{
	cancel_restore(wait->cancel);
	pthread_testcancel();
	cancel_off();
}

static int
run(const struct wait *wait, struct pollfd *fds, const struct timespec *timeout, const sigset_t *mask)
{
	static const struct timespec at_once = { 0, 0 };
	bool sleeps = timeout == NULL || timeout->tv_sec != 0 || timeout->tv_nsec != 0;
	/* A program that waits for one port and nothing else: no system call while the server is awake. */
	struct session *only = wait->count == 1 ? wait->waiters[0].session : NULL;
	int64_t deadline = timeout == NULL ? 0 : now_ns() + ns_of(timeout);

	for (;;) {
		struct timespec rest = at_once;
		bool expired = !sleeps || (timeout != NULL && (rest = left(deadline)).tv_sec == 0 && rest.tv_nsec == 0);
		int ours = look(wait->waiters, fds, wait->count, expired ? 0 : only != NULL ? NMS_FLAG_ARM | NMS_FLAG_LINGER : NMS_FLAG_ARM);
		int others;

		if (only != NULL) {
			if (ours > 0 || expired) {
				may_end(wait);
				return ours;
			}
			if (session_linger(only, deadline))
				continue;
		}
		if (ours > 0)
			rest = at_once;
		others = wait_real(wait, fds, timeout == NULL && ours == 0 ? NULL : &rest, mask);
		if (only != NULL)
			session_end_wait(only);
		if (others < 0 || ours + others > 0 || expired)
			return others < 0 ? (ours > 0 ? ours : -1) : ours + others;
	}
}

int
file_poll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	struct waiter few_waiters[16];
	struct pollfd few_real[16];
	struct wait wait = { .waiters = few_waiters, .real = few_real, .count = count };
	int result;

	if (timeout != NULL && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)) {
		errno = EINVAL;
		return -1;
	}
	if (count > 16) {
		wait.memory = malloc(count * (sizeof(*wait.waiters) + sizeof(*wait.real)));
		if (wait.memory == NULL) {
			errno = ENOMEM;
			return -1;
		}
		wait.waiters = wait.memory;
		wait.real = (struct pollfd *)(void *)(wait.waiters + count);
	}
	wait.cancel = cancel_off();
	begin(wait.waiters, wait.real, fds, count);
	pthread_cleanup_push(end, &wait);
	result = run(&wait, fds, timeout, mask);
	pthread_cleanup_pop(1);
	cancel_restore(wait.cancel);
	return result;
}

bool
select_concerns(int count, const fd_set *read, const fd_set *write)
{
	int highest = atomic_load_explicit(&shim_highest, memory_order_relaxed);

	for (int fd = 0; fd < count && fd <= highest && fd < FD_SETSIZE; fd++) {
		if (is_file(fd) && ((read != NULL && FD_ISSET(fd, read)) || (write != NULL && FD_ISSET(fd, write))))
			return true;
	}
	return false;
}

static int
mark(fd_set *set, int fd, bool found)
{
	if (set == NULL || !FD_ISSET(fd, set))
		return 0;
	if (found)
		return 1;
	FD_CLR(fd, set);
	return 0;
}

/* select(2) as the kernel does it: a poll, with its own view of which events count. */
int
file_select(int count, fd_set *read, fd_set *write, fd_set *except, const struct timespec *timeout, const sigset_t *mask)
{
	struct pollfd fds[FD_SETSIZE];
	nfds_t used = 0;
	int result;

	count = count > FD_SETSIZE ? FD_SETSIZE : count;
	for (int fd = 0; fd < count; fd++) {
		short events = (short)((read != NULL && FD_ISSET(fd, read) ? POLLIN : 0) |
		    (write != NULL && FD_ISSET(fd, write) ? POLLOUT : 0) | (except != NULL && FD_ISSET(fd, except) ? POLLPRI : 0));

		if (events != 0)
			fds[used++] = (struct pollfd){ .fd = fd, .events = events };
	}
	result = file_poll(fds, used, timeout, mask);
	if (result < 0)
		return result;
	result = 0;
	for (nfds_t i = 0; i < used; i++) {
		short found = fds[i].revents;

		if ((found & POLLNVAL) != 0) {
			errno = EBADF;
			return -1;
		}
		result += mark(read, fds[i].fd, (found & (POLLIN | POLLRDNORM | POLLHUP | POLLERR)) != 0);
		result += mark(write, fds[i].fd, (found & (POLLOUT | POLLWRNORM | POLLERR)) != 0);
		result += mark(except, fds[i].fd, (found & POLLPRI) != 0);
	}
	return result;
}
