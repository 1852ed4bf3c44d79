/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The functions of the C library that the shim stands in front of. A call that has nothing to do with netmap costs one look
 * into a table, and goes straight on.
 */
#include "shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <net/netmap.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* gcc holds that poll(2) does not read what it is given. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

struct libc libc_;

void
shim_find(void *place, const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	memcpy(place, &found, sizeof(found));
}

/* Those that programs with netmap files call all the time, or that handlers of signals may call; the others are looked for at their first call. */
__attribute__((constructor)) static void
find_first(void)
{
#define FIND(name)	shim_find(&libc_.name, #name)
	FIND(open); FIND(openat); FIND(close); FIND(close_range); FIND(closefrom);
	FIND(read); FIND(write); FIND(ioctl);
	FIND(mmap); FIND(munmap); FIND(poll); FIND(ppoll); FIND(select); FIND(pselect);
	FIND(epoll_ctl); FIND(epoll_wait); FIND(epoll_pwait); FIND(epoll_pwait2);
	FIND(dup); FIND(dup2); FIND(dup3); FIND(fcntl);
	FIND(recvmsg); FIND(recvmmsg);
#undef FIND
}

/* ---- descriptors ---- */

EXPORT int
close(int fd)
{
	if (is_hidden(fd)) {
		errno = EBADF;
		return -1;
	}
	table_closed(fd);
	return REAL(close)(fd);
}

/* Closes a range, but for our own descriptors in it. */
static int
close_around(unsigned int first, unsigned int last, int flags)
{
	unsigned int ours;

	while (table_next_hidden(first, last, &ours)) {
		if (ours != first && REAL(close_range)(first, ours - 1, flags) < 0)
			return -1;
		if (ours == last)
			return 0;
		first = ours + 1;
	}
	return REAL(close_range)(first, last, flags);
}

/* Programs that start others close everything so. */
EXPORT int
close_range(unsigned int first, unsigned int last, int flags)
{
	if (first > last || (flags & ~CLOSE_RANGE_UNSHARE) != 0 || !table_is_ours())
		return REAL(close_range)(first, last, flags);
	table_closed_range(first, last);
	return close_around(first, last, flags);
}

EXPORT void
closefrom(int from)
{
	unsigned int first = from < 0 ? 0 : (unsigned int)from;

	if (!table_is_ours()) {
		REAL(closefrom)(from);
		return;
	}
	table_closed_range(first, ~0u);
	close_around(first, ~0u, 0);
}

static int
duplicated(int from, int to)
{
	if (to >= 0 && (table_entry(from) != 0 || table_entry(to) != 0))
		table_dup(from, to);
	return to;
}

EXPORT int
dup(int fd)
{
	return duplicated(fd, REAL(dup)(fd));
}

EXPORT int
dup2(int from, int to)
{
	int result;

	if (from == to)
		return REAL(dup2)(from, to);
	table_evict(to);
	/* The new number's old file goes only if the call does what it should. */
	result = REAL(dup2)(from, to);
	if (result >= 0)
		table_closed(to);
	return duplicated(from, result);
}

EXPORT int
dup3(int from, int to, int flags)
{
	int result;

	table_evict(to);
	result = REAL(dup3)(from, to, flags);
	if (result >= 0)
		table_closed(to);
	return duplicated(from, result);
}

static int
control(int fd, int command, void *argument)
{
	int result = REAL(fcntl)(fd, command, argument);

	return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? duplicated(fd, result) : result;
}

#define FCNTL(name)									\
EXPORT int										\
name(int fd, int command, ...)								\
{											\
	va_list arguments;								\
	void *argument;									\
											\
	va_start(arguments, command);							\
	argument = va_arg(arguments, void *);						\
	va_end(arguments);								\
	return control(fd, command, argument);						\
}

FCNTL(fcntl)
FCNTL(fcntl64)

/*
 * ---- requests and memory ----
 *
 * Netmap descriptors that are received are looked at. Those that came through exec, or by ways unknown, show themselves when a request or
 * a mapping fails as it does on a socket: looking for them in every program that starts would cost all of them.
 */

/* A request that is netmap's; those of every descriptor (FIOCLEX, FIONBIO) are the kernel's. */
static bool
is_request(unsigned long request)
{
	return _IOC_TYPE((uint32_t)request) == 'i';
}

/* The file that a request is for. A sync goes there at once; what takes a message anyway sees first whether it still is that file. */
static struct file *
requested(int fd, unsigned long request)
{
	if (__builtin_expect(!is_file(fd), 0))
		return NULL;
	if ((uint32_t)request == NIOCTXSYNC || (uint32_t)request == NIOCRXSYNC)
		return file_get(fd);
	return request == FIOCLEX || request == FIONCLEX || request == FIONBIO || request == FIOASYNC ? NULL : file_get_sure(fd);
}

EXPORT int
ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	struct file *file;
	void *argument;
	int result, cancel;

	va_start(arguments, request);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	if ((file = requested(fd, request)) == NULL) {
		result = REAL(ioctl)(fd, request, argument);
		if (result >= 0 || errno != ENOTTY || !is_request(request) || !table_adopt_all(fd) || (file = file_get(fd)) == NULL)
			return result;
	}
	cancel = cancel_off();
	result = file_ioctl(file, request, argument);
	file_put(file);
	cancel_restore(cancel);
	return result;
}

static void *
map(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	struct file *file;
	void *result;
	int cancel;

	if ((file = file_get_sure(fd)) == NULL) {
		result = REAL(mmap)(address, length, protection, flags, fd, offset);
		if (result != MAP_FAILED)
			memory_replaced(result, length, flags);
		if (result != MAP_FAILED || errno != ENODEV || !table_adopt_all(fd) || (file = file_get(fd)) == NULL)
			return result;
	}
	cancel = cancel_off();
	result = file_mmap(file, address, length, protection, flags, offset);
	file_put(file);
	cancel_restore(cancel);
	return result;
}

EXPORT void *
mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return map(address, length, protection, flags, fd, offset);
}

EXPORT void *
mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
{
	return map(address, length, protection, flags, fd, offset);
}

EXPORT int
munmap(void *address, size_t length)
{
	if (atomic_load_explicit(&memory_mappings, memory_order_relaxed) != 0)
		memory_unmapped(address, length);
	return REAL(munmap)(address, length);
}

EXPORT void *
mremap(void *address, size_t from, size_t to, int flags, ...)
{
	va_list arguments;
	void *target, *moved;
	int cancel;

	va_start(arguments, flags);
	target = va_arg(arguments, void *);
	va_end(arguments);
	if (atomic_load_explicit(&memory_mappings, memory_order_relaxed) == 0)
		return REAL(mremap)(address, from, to, flags, target);
	cancel = cancel_off();
	moved = memory_remap(address, from, to, flags, target);
	cancel_restore(cancel);
	return moved;
}

/* ---- waiting ---- */

/* Whether a poll may go straight to the kernel: *result is then the answer, if the addresses are wrong. */
static bool
is_plain(struct pollfd *fds, nfds_t count, int *result, bool *done)
{
	*done = false;
	if (atomic_load_explicit(&shim_highest, memory_order_relaxed) < 0 || count == 0)
		return true;
	if (!poll_sound(fds, count, result)) {
		*done = true;
		return true;
	}
	if (poll_concerns(fds, count))
		return false;
	watch_settle_outer();
	return true;
}

EXPORT int
poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec time = { timeout / 1000, (long)(timeout % 1000) * 1000000 };
	bool done;
	int result;

	if (is_plain(fds, count, &result, &done))
		return done ? result : REAL(poll)(fds, count, timeout);
	return file_poll(fds, count, timeout < 0 ? NULL : &time, NULL);
}

EXPORT int
ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	bool done;
	int result;

	if (is_plain(fds, count, &result, &done))
		return done ? result : REAL(ppoll)(fds, count, timeout, mask);
	return file_poll(fds, count, timeout, mask);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size);

EXPORT int
__poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
	if (size / sizeof(*fds) < count)
		__builtin_trap();
	return poll(fds, count, timeout);
}

EXPORT int
__ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size)
{
	if (size / sizeof(*fds) < count)
		__builtin_trap();
	return ppoll(fds, count, timeout, mask);
}

EXPORT int
select(int count, fd_set *reading, fd_set *writing, fd_set *except, struct timeval *timeout)
{
	struct timespec time;
	int64_t start, left;
	int result;

	if (!select_concerns(count, reading, writing, except))
		return REAL(select)(count, reading, writing, except, timeout);
	if (timeout == NULL)
		return file_select(count, reading, writing, except, NULL, NULL);
	time = (struct timespec){ timeout->tv_sec + timeout->tv_usec / 1000000, timeout->tv_usec % 1000000 * 1000 };
	start = now_ns();
	result = file_select(count, reading, writing, except, &time, NULL);
	/* Linux leaves the time that was not slept. */
	left = ns_of(&time) - (now_ns() - start);
	left = left < 0 ? 0 : left;
	*timeout = (struct timeval){ left / 1000000000, left % 1000000000 / 1000 };
	return result;
}

EXPORT int
pselect(int count, fd_set *reading, fd_set *writing, fd_set *except, const struct timespec *timeout, const sigset_t *mask)
{
	if (!select_concerns(count, reading, writing, except))
		return REAL(pselect)(count, reading, writing, except, timeout, mask);
	return file_select(count, reading, writing, except, timeout, mask);
}

EXPORT int
epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	int result, cancel;

	if (!is_file(fd)) {
		result = REAL(epoll_ctl)(epoll, operation, fd, event);
		if (operation == EPOLL_CTL_ADD && result == 0)
			watch_added(fd);
		return result;
	}
	cancel = cancel_off();
	result = watch_control(epoll, operation, fd, event);
	cancel_restore(cancel);
	return result;
}

/* The program's events, without what only the shim understands. */
static int
waited(int epoll, struct epoll_event *events, int count, int found, int64_t timeout_ns, const sigset_t *mask)
{
	for (int i = 0; i < found; i++) {
		if (__builtin_expect(IS_WATCH(events[i]), 0))
			return watch_wait_on(epoll, events, count, found, timeout_ns, mask);
	}
	return found;
}

/* NULL: not one that holds netmap files; though another set in it may. */
static struct watch *
watch_of(int epoll, int count)
{
	struct watch *watch = count > 0 ? table_watch(epoll) : NULL;

	if (watch == NULL)
		watch_settle_outer();
	return watch;
}

EXPORT int
epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)
{
	struct watch *watch = watch_of(epoll, count);
	int64_t ns = timeout < 0 ? -1 : (int64_t)timeout * 1000000;

	if (__builtin_expect(watch == NULL, 1))
		return waited(epoll, events, count, REAL(epoll_wait)(epoll, events, count, timeout), ns, NULL);
	return watch_wait(watch, epoll, events, count, ns, NULL);
}

EXPORT int
epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout, const sigset_t *mask)
{
	struct watch *watch = watch_of(epoll, count);
	int64_t ns = timeout < 0 ? -1 : (int64_t)timeout * 1000000;

	if (__builtin_expect(watch == NULL, 1))
		return waited(epoll, events, count, REAL(epoll_pwait)(epoll, events, count, timeout, mask), ns, mask);
	return watch_wait(watch, epoll, events, count, ns, mask);
}

EXPORT int
epoll_pwait2(int epoll, struct epoll_event *events, int count, const struct timespec *timeout, const sigset_t *mask)
{
	struct watch *watch = watch_of(epoll, count);
	int64_t ns = timeout == NULL ? -1 : ns_of(timeout);

	if (__builtin_expect(watch == NULL, 1))
		return waited(epoll, events, count, REAL(epoll_pwait2)(epoll, events, count, timeout, mask), ns, mask);
	return watch_wait(watch, epoll, events, count, ns, mask);
}

ALIAS(close);
ALIAS(dup2);
ALIAS(fcntl);
ALIAS(poll);
ALIAS(select);
