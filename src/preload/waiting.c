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
	bool sets;			/* there are epoll sets among them */
	int cancel;			/* the thread's state outside */
};

/* One descriptor of a poll. */
struct waiter {
	struct file *file;		/* NULL: an ordinary one */
	struct session *session;	/* NULL with a file: there was no way in, which is an error of the descriptor */
	struct watch *watch;		/* an epoll set with netmap files in it */
};

/* What run() finds when a descriptor is no netmap file any more. */
#define STALE	(-2)

/* Syncs between two looks whether a program that never sleeps still has the descriptors we think it has. */
#define LOOKS_EVERY	64

/*
 * Whether poll(2) would take these addresses: the kernel is asked once about a page. *result is its answer if not.
 */
bool
poll_sound(struct pollfd *fds, nfds_t count, int *result)
{
	static __thread uintptr_t from __attribute__((tls_model("initial-exec"))), to __attribute__((tls_model("initial-exec")));
	static const struct timespec at_once = { 0, 0 };
	uintptr_t start = (uintptr_t)fds, end = start + count * sizeof(*fds);

	if (__builtin_expect(start >= from && end <= to && count < SHIM_DESCRIPTORS, 1))
		return true;
	*result = REAL(ppoll)(fds, count, &at_once, NULL);
	if (*result < 0 && (errno == EFAULT || errno == EINVAL))
		return false;
	from = start & ~(uintptr_t)4095;
	to = (end + 4095) & ~(uintptr_t)4095;
	return true;
}

bool
poll_concerns(const struct pollfd *fds, nfds_t count)
{
	for (nfds_t i = 0; i < count; i++) {
		if (is_file(fds[i].fd) || table_watch(fds[i].fd) != NULL)
			return true;
	}
	return false;
}

static void
begin(struct wait *wait, const struct pollfd *fds)
{
	struct waiter *waiters = wait->waiters;
	struct pollfd *real = wait->real;

	wait->sets = false;
	for (nfds_t i = 0; i < wait->count; i++) {
		real[i] = fds[i];
		waiters[i] = (struct waiter){ .watch = table_watch(fds[i].fd) };
		wait->sets |= waiters[i].watch != NULL;
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

/* Syncs each netmap file once, and says how many have something, or -1. With NMS_FLAG_ARM, those that have nothing will wake us. */
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

			/* A signal handler has forked, and this is the child. */
			if (session->dead == EINTR) {
				errno = EINTR;
				return -1;
			}
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
	if (found < 0) {
		for (nfds_t i = 0; i < wait->count; i++) {
			if (wait->waiters[i].file == NULL)
				fds[i].revents = 0;
		}
		return -1;
	}
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

/* Epoll sets among the descriptors, or that one of these may hold, are to the kernel what they are to the program. */
static void
settle(const struct wait *wait, const struct pollfd *fds)
{
	for (nfds_t i = 0; wait->sets && i < wait->count; i++) {
		if (wait->waiters[i].watch != NULL)
			watch_settle(wait->waiters[i].watch, fds[i].fd);
	}
	watch_settle_outer();
}

/* Whether a file was closed behind our back, so that its number stands for something else. */
static bool
is_stale(const struct wait *wait, const struct pollfd *fds)
{
	bool stale = false;

	for (nfds_t i = 0; i < wait->count; i++)
		stale |= wait->waiters[i].file != NULL && !table_confirm(fds[i].fd);
	return stale;
}

static bool
is_time_to_look(const struct wait *wait)
{
	for (nfds_t i = 0; i < wait->count; i++) {
		if (wait->waiters[i].session != NULL)
			return wait->waiters[i].session->sequence % LOOKS_EVERY == 0;
	}
	return false;
}

/* The kernel's part: how many of the ordinary descriptors are ready, or -1. */
static int
wait_others(const struct wait *wait, struct pollfd *fds, const struct timespec *timeout, const sigset_t *mask)
{
	static const struct timespec at_once = { 0, 0 };
	int others = wait_real(wait, fds, timeout, mask);

	if (others <= 0 || !wait->sets)
		return others;
	/* A set may have been woken by news that are not what its members wait for. */
	settle(wait, fds);
	return wait_real(wait, fds, &at_once, mask);
}

static int
run(const struct wait *wait, struct pollfd *fds, const struct timespec *timeout, const sigset_t *mask)
{
	static const struct timespec at_once = { 0, 0 };
	bool sleeps = timeout == NULL || timeout->tv_sec != 0 || timeout->tv_nsec != 0, looked = is_time_to_look(wait);
	/* A program that waits for one port and nothing else: no system call while the server is awake. */
	struct session *only = wait->count == 1 ? wait->waiters[0].session : NULL;
	int64_t deadline = timeout == NULL ? 0 : now_ns() + ns_of(timeout);

	if (looked && is_stale(wait, fds))
		return STALE;
	for (;;) {
		struct timespec rest = at_once;
		bool expired = !sleeps || (timeout != NULL && (rest = left(deadline)).tv_sec == 0 && rest.tv_nsec == 0);
		int ours = look(wait->waiters, fds, wait->count, expired ? 0 : only != NULL ? NMS_FLAG_ARM | NMS_FLAG_LINGER : NMS_FLAG_ARM);
		int others;

		if (ours < 0)
			return -1;
		if (only != NULL) {
			if (ours > 0 || expired)
				return ours;
			if (session_linger(only, deadline))
				continue;
		}
		if (ours > 0)
			rest = at_once;
		else if (!expired && !looked && is_stale(wait, fds))
			return STALE;
		looked = true;
		settle(wait, fds);
		others = wait_others(wait, fds, timeout == NULL && ours == 0 ? NULL : &rest, mask);
		if (only != NULL)
			session_end_wait(only);
		if (others < 0 || ours + others > 0 || expired)
			return others < 0 ? (ours > 0 ? ours : -1) : ours + others;
	}
}

static int
poll_once(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	struct waiter few_waiters[16];
	struct pollfd few_real[16];
	struct wait wait = { .waiters = few_waiters, .real = few_real, .count = count };
	int result;

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
	begin(&wait, fds);
	pthread_cleanup_push(end, &wait);
	result = run(&wait, fds, timeout, mask);
	pthread_cleanup_pop(1);
	cancel_restore(wait.cancel);
	/* No system call may have been needed; the thread may end here all the same. */
	pthread_testcancel();
	return result;
}

int
file_poll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	int result;

	if (timeout != NULL && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000)) {
		errno = EINVAL;
		return -1;
	}
	do
		result = poll_once(fds, count, timeout, mask);
	while (result == STALE);
	return result;
}
