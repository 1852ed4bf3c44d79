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
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* gcc holds that poll(2) does not read what it is given. */
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

struct libc libc_;

#define EXPORT	__attribute__((visibility("default")))

static void *
next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

__attribute__((constructor)) void
shim_resolve(void)
{
#define RESOLVE(name)	(libc_.name = (__typeof__(libc_.name))next(#name))
	RESOLVE(open); RESOLVE(openat); RESOLVE(close); RESOLVE(close_range); RESOLVE(closefrom);
	RESOLVE(read); RESOLVE(write); RESOLVE(ioctl);
	RESOLVE(mmap); RESOLVE(munmap); RESOLVE(poll); RESOLVE(ppoll); RESOLVE(select); RESOLVE(pselect);
	RESOLVE(epoll_ctl); RESOLVE(epoll_wait); RESOLVE(epoll_pwait); RESOLVE(epoll_pwait2);
	RESOLVE(dup); RESOLVE(dup2); RESOLVE(dup3); RESOLVE(fcntl);
	RESOLVE(recvmsg); RESOLVE(recvmmsg);
#undef RESOLVE
}

/* ---- open ---- */

static bool
is_device(const char *path)
{
	return path != NULL && path[0] == '/' && strcmp(path, "/dev/netmap") == 0;
}

static mode_t
mode_of(int flags, va_list *arguments)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(*arguments, mode_t) : 0;
}

#define OPEN(name, extra)								\
EXPORT int										\
name(const char *path, int flags, ...)							\
{											\
	va_list arguments;								\
	mode_t mode;									\
											\
	if (is_device(path))								\
		return table_open(flags);						\
	va_start(arguments, flags);							\
	mode = mode_of(flags, &arguments);						\
	va_end(arguments);								\
	return REAL(open)(path, flags | (extra), mode);					\
}

#define OPENAT(name, extra)								\
EXPORT int										\
name(int folder, const char *path, int flags, ...)					\
{											\
	va_list arguments;								\
	mode_t mode;									\
											\
	if (is_device(path))								\
		return table_open(flags);						\
	va_start(arguments, flags);							\
	mode = mode_of(flags, &arguments);						\
	va_end(arguments);								\
	return REAL(openat)(folder, path, flags | (extra), mode);			\
}

OPEN(open, 0)
OPEN(open64, O_LARGEFILE)
OPENAT(openat, 0)
OPENAT(openat64, O_LARGEFILE)

/* What programs compiled with _FORTIFY_SOURCE call. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

EXPORT int
__open_2(const char *path, int flags)
{
	return is_device(path) ? table_open(flags) : REAL(open)(path, flags);
}

EXPORT int
__open64_2(const char *path, int flags)
{
	return __open_2(path, flags | O_LARGEFILE);
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
	for (;;) {
		unsigned int ours = table_next_hidden(first, last);
		bool more = ours - 1 < last;	/* also where last + 1 is 0 */

		if (ours != first && REAL(close_range)(first, ours - 1, flags) < 0)
			return -1;
		if (!more || ours == last)
			return 0;
		first = ours + 1;
	}
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
	if (to >= 0 && is_file(from))
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
 * ---- netmap descriptors that this process has not opened ----
 *
 * Those that are received are looked at. Those that came through exec, or by ways unknown, show themselves when a request or
 * a mapping fails as it does on a socket: looking for them in every program that starts would cost all of them.
 */

static void
received(struct msghdr *message)
{
	if (message->msg_controllen == 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			table_adopt(fd);
		}
	}
}

EXPORT ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t length = REAL(recvmsg)(fd, message, flags);

	if (length >= 0)
		received(message);
	return length;
}

EXPORT int
recvmmsg(int fd, struct mmsghdr *messages, unsigned int most, int flags, struct timespec *timeout)
{
	int count = REAL(recvmmsg)(fd, messages, most, flags, timeout);

	for (int i = 0; i < count; i++)
		received(&messages[i].msg_hdr);
	return count;
}

/* netmap(4): a netmap descriptor is neither read nor written. */
EXPORT ssize_t
read(int fd, void *buffer, size_t count)
{
	if (is_file(fd)) {
		errno = EINVAL;
		return -1;
	}
	return REAL(read)(fd, buffer, count);
}

EXPORT ssize_t
write(int fd, const void *buffer, size_t count)
{
	if (is_file(fd)) {
		errno = EINVAL;
		return -1;
	}
	return REAL(write)(fd, buffer, count);
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
	if (!is_file(fd) || (file = file_get(fd)) == NULL) {
		result = REAL(ioctl)(fd, request, argument);
		if (result >= 0 || errno != ENOTTY || _IOC_TYPE(request) != 'i' || !table_adopt_all(fd) || (file = file_get(fd)) == NULL)
			return result;
	}
	cancel = cancel_off();
	result = file_ioctl(file, request, argument);
	file_put(file);
	cancel_restore(cancel);
	return result;
}

/* ---- memory ---- */

static void *
map(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	struct file *file;
	void *result;
	int cancel;

	if (!is_file(fd) || (file = file_get(fd)) == NULL) {
		result = REAL(mmap)(address, length, protection, flags, fd, offset);
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

/* ---- waiting ---- */

EXPORT int
poll(struct pollfd *fds, nfds_t count, int timeout)
{
	struct timespec time = { timeout / 1000, (long)(timeout % 1000) * 1000000 };

	if (fds == NULL || !poll_concerns(fds, count))
		return REAL(poll)(fds, count, timeout);
	return file_poll(fds, count, timeout < 0 ? NULL : &time, NULL);
}

EXPORT int
ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
	if (fds == NULL || !poll_concerns(fds, count))
		return REAL(ppoll)(fds, count, timeout, mask);
	return file_poll(fds, count, timeout, mask);
}

int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size);
ssize_t __read_chk(int fd, void *buffer, size_t count, size_t size);

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

EXPORT ssize_t
__read_chk(int fd, void *buffer, size_t count, size_t size)
{
	if (size < count)
		__builtin_trap();
	return read(fd, buffer, count);
}

EXPORT int
select(int count, fd_set *reading, fd_set *writing, fd_set *except, struct timeval *timeout)
{
	struct timespec time;
	int64_t start, left;
	int result;

	if (!select_concerns(count, reading, writing))
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
	if (!select_concerns(count, reading, writing))
		return REAL(pselect)(count, reading, writing, except, timeout, mask);
	return file_select(count, reading, writing, except, timeout, mask);
}

EXPORT int
epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	int result, cancel;

	if (!is_file(fd))
		return REAL(epoll_ctl)(epoll, operation, fd, event);
	cancel = cancel_off();
	result = watch_control(epoll, operation, fd, event);
	cancel_restore(cancel);
	return result;
}

EXPORT int
epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)
{
	struct watch *watch = table_watch(epoll);

	if (__builtin_expect(watch == NULL || count <= 0, 1))
		return REAL(epoll_wait)(epoll, events, count, timeout);
	return watch_wait(watch, epoll, events, count, timeout < 0 ? -1 : (int64_t)timeout * 1000000, NULL);
}

EXPORT int
epoll_pwait(int epoll, struct epoll_event *events, int count, int timeout, const sigset_t *mask)
{
	struct watch *watch = table_watch(epoll);

	if (__builtin_expect(watch == NULL || count <= 0, 1))
		return REAL(epoll_pwait)(epoll, events, count, timeout, mask);
	return watch_wait(watch, epoll, events, count, timeout < 0 ? -1 : (int64_t)timeout * 1000000, mask);
}

EXPORT int
epoll_pwait2(int epoll, struct epoll_event *events, int count, const struct timespec *timeout, const sigset_t *mask)
{
	struct watch *watch = table_watch(epoll);

	if (__builtin_expect(watch == NULL || count <= 0, 1))
		return REAL(epoll_pwait2)(epoll, events, count, timeout, mask);
	return watch_wait(watch, epoll, events, count,
	    timeout == NULL ? -1 : ns_of(timeout), mask);
}
