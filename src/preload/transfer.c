/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A netmap file is neither read nor written (EINVAL), and is no socket (ENOTSOCK), as the connection that stands for it is.
 */
#include "shim.h"

#include <errno.h>
#include <sys/sendfile.h>
#include <fcntl.h>
#include <unistd.h>

/* Also where a number was closed behind our back, and is another file by now: that one is read and written. */
static bool
is_netmap(int fd, int error)
{
	if (!is_file(fd) || !table_confirm(fd))
		return false;
	errno = error;
	return true;
}

EXPORT ssize_t
read(int fd, void *buffer, size_t count)
{
	return is_netmap(fd, EINVAL) ? -1 : REAL(read)(fd, buffer, count);
}

EXPORT ssize_t
write(int fd, const void *buffer, size_t count)
{
	return is_netmap(fd, EINVAL) ? -1 : REAL(write)(fd, buffer, count);
}

ssize_t __read_chk(int fd, void *buffer, size_t count, size_t size);
ssize_t __pread_chk(int fd, void *buffer, size_t count, off_t offset, size_t size);
ssize_t __pread64_chk(int fd, void *buffer, size_t count, off64_t offset, size_t size);
ssize_t __recv_chk(int fd, void *buffer, size_t count, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buffer, size_t count, size_t size, int flags, struct sockaddr *from, socklen_t *length);

static void
fortify(size_t size, size_t count)
{
	if (size < count)
		__builtin_trap();
}

EXPORT ssize_t
__read_chk(int fd, void *buffer, size_t count, size_t size)
{
	fortify(size, count);
	return read(fd, buffer, count);
}

#define POSITIONED(name, chars, real)							\
EXPORT ssize_t										\
name(int fd, chars *buffer, size_t count, off_t offset)					\
{											\
	return is_netmap(fd, EINVAL) ? -1 : REAL(real)(fd, buffer, count, offset);	\
}

POSITIONED(pread, void, pread)
POSITIONED(pread64, void, pread)
POSITIONED(pwrite, const void, pwrite)
POSITIONED(pwrite64, const void, pwrite)

EXPORT ssize_t
__pread_chk(int fd, void *buffer, size_t count, off_t offset, size_t size)
{
	fortify(size, count);
	return pread(fd, buffer, count, offset);
}

EXPORT ssize_t
__pread64_chk(int fd, void *buffer, size_t count, off64_t offset, size_t size)
{
	fortify(size, count);
	return pread(fd, buffer, count, offset);
}

#define VECTOR(name)									\
EXPORT ssize_t										\
name(int fd, const struct iovec *parts, int count)					\
{											\
	return is_netmap(fd, EINVAL) ? -1 : REAL(name)(fd, parts, count);		\
}

VECTOR(readv)
VECTOR(writev)

#define POSITIONED_VECTOR(name, real)							\
EXPORT ssize_t										\
name(int fd, const struct iovec *parts, int count, off_t offset)			\
{											\
	return is_netmap(fd, EINVAL) ? -1 : REAL(real)(fd, parts, count, offset);	\
}

POSITIONED_VECTOR(preadv, preadv)
POSITIONED_VECTOR(preadv64, preadv)
POSITIONED_VECTOR(pwritev, pwritev)
POSITIONED_VECTOR(pwritev64, pwritev)

#define FLAGGED_VECTOR(name, real)							\
EXPORT ssize_t										\
name(int fd, const struct iovec *parts, int count, off_t offset, int flags)		\
{											\
	return is_netmap(fd, EINVAL) ? -1 : REAL(real)(fd, parts, count, offset, flags);	\
}

FLAGGED_VECTOR(preadv2, preadv2)
FLAGGED_VECTOR(preadv64v2, preadv2)
FLAGGED_VECTOR(pwritev2, pwritev2)
FLAGGED_VECTOR(pwritev64v2, pwritev2)

EXPORT ssize_t
send(int fd, const void *buffer, size_t count, int flags)
{
	return is_netmap(fd, ENOTSOCK) ? -1 : REAL(send)(fd, buffer, count, flags);
}

EXPORT ssize_t
sendto(int fd, const void *buffer, size_t count, int flags, const struct sockaddr *to, socklen_t length)
{
	return is_netmap(fd, ENOTSOCK) ? -1 : REAL(sendto)(fd, buffer, count, flags, to, length);
}

EXPORT ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	return is_netmap(fd, ENOTSOCK) ? -1 : REAL(sendmsg)(fd, message, flags);
}

EXPORT int
sendmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags)
{
	return is_netmap(fd, ENOTSOCK) ? -1 : REAL(sendmmsg)(fd, messages, count, flags);
}

EXPORT ssize_t
recv(int fd, void *buffer, size_t count, int flags)
{
	return is_netmap(fd, ENOTSOCK) ? -1 : REAL(recv)(fd, buffer, count, flags);
}

EXPORT ssize_t
__recv_chk(int fd, void *buffer, size_t count, size_t size, int flags)
{
	fortify(size, count);
	return recv(fd, buffer, count, flags);
}

EXPORT ssize_t
recvfrom(int fd, void *buffer, size_t count, int flags, struct sockaddr *from, socklen_t *length)
{
	return is_netmap(fd, ENOTSOCK) ? -1 : REAL(recvfrom)(fd, buffer, count, flags, from, length);
}

EXPORT ssize_t
__recvfrom_chk(int fd, void *buffer, size_t count, size_t size, int flags, struct sockaddr *from, socklen_t *length)
{
	fortify(size, count);
	return recvfrom(fd, buffer, count, flags, from, length);
}

EXPORT ssize_t
sendfile(int to, int from, off_t *offset, size_t count)
{
	return is_netmap(to, EINVAL) || is_netmap(from, EINVAL) ? -1 : REAL(sendfile)(to, from, offset, count);
}

EXPORT ssize_t
sendfile64(int to, int from, off64_t *offset, size_t count)
{
	return sendfile(to, from, offset, count);
}

EXPORT ssize_t
splice(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t count, unsigned int flags)
{
	return is_netmap(from, EINVAL) || is_netmap(to, EINVAL) ? -1 : REAL(splice)(from, from_offset, to, to_offset, count, flags);
}

EXPORT int
shutdown(int fd, int how)
{
	return is_netmap(fd, ENOTSOCK) ? -1 : REAL(shutdown)(fd, how);
}

/* ---- netmap descriptors that are received ---- */

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

			__builtin_memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			table_fresh(fd);
			table_adopt(fd);
		}
	}
}

EXPORT ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t length = is_netmap(fd, ENOTSOCK) ? -1 : REAL(recvmsg)(fd, message, flags);

	if (length >= 0)
		received(message);
	return length;
}

EXPORT int
recvmmsg(int fd, struct mmsghdr *messages, unsigned int most, int flags, struct timespec *timeout)
{
	int count = is_netmap(fd, ENOTSOCK) ? -1 : REAL(recvmmsg)(fd, messages, most, flags, timeout);

	for (int i = 0; i < count; i++)
		received(&messages[i].msg_hdr);
	return count;
}

ALIAS(read);
ALIAS(write);
ALIAS(send);
ALIAS(pread64);
ALIAS(pwrite64);
