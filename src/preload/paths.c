/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * /dev/netmap by its name: what opens it, and what only looks whether it is there.
 */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEVICE		"/dev/netmap"
#define MISC_MAJOR	10	/* of devices as netmap's; the minor number is any that is free */
#define DEVICE_MINOR	59

static bool
is_device(const char *path)
{
	return path != NULL && path[0] == '/' && strcmp(path, DEVICE) == 0;
}

/* ---- open ---- */

static mode_t
mode_of(int flags, va_list *arguments)
{
	return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(*arguments, mode_t) : 0;
}

static int
opened(int fd)
{
	table_fresh(fd);
	return fd;
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
	return opened(REAL(open)(path, flags | (extra), mode));				\
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
	return opened(REAL(openat)(folder, path, flags | (extra), mode));		\
}

OPEN(open, 0)
OPEN(open64, O_LARGEFILE)
OPENAT(openat, 0)
OPENAT(openat64, O_LARGEFILE)

/* What programs compiled with _FORTIFY_SOURCE call. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);

EXPORT int
__open_2(const char *path, int flags)
{
	return is_device(path) ? table_open(flags) : opened(REAL(open)(path, flags));
}

EXPORT int
__open64_2(const char *path, int flags)
{
	return __open_2(path, flags | O_LARGEFILE);
}

EXPORT int
__openat_2(int folder, const char *path, int flags)
{
	return is_device(path) ? table_open(flags) : opened(REAL(openat)(folder, path, flags));
}

EXPORT int
__openat64_2(int folder, const char *path, int flags)
{
	return __openat_2(folder, path, flags | O_LARGEFILE);
}

EXPORT int
creat(const char *path, mode_t mode)
{
	return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

EXPORT int
creat64(const char *path, mode_t mode)
{
	return open(path, O_CREAT | O_WRONLY | O_TRUNC | O_LARGEFILE, mode);
}

/* ---- streams: the C library opens and closes their descriptors by itself ---- */

static int
flags_of(const char *mode)
{
	return O_RDWR | (strchr(mode, 'e') != NULL ? O_CLOEXEC : 0);
}

static FILE *
open_stream(const char *mode)
{
	int fd = table_open(flags_of(mode));
	FILE *stream = fd < 0 ? NULL : fdopen(fd, mode);
	int error = errno;

	if (stream == NULL && fd >= 0)
		close(fd);
	errno = error;
	return stream;
}

EXPORT FILE *
fopen(const char *path, const char *mode)
{
	FILE *stream;

	if (is_device(path))
		return open_stream(mode);
	stream = REAL(fopen)(path, mode);
	if (stream != NULL)
		table_fresh(fileno(stream));
	return stream;
}

EXPORT FILE *
fopen64(const char *path, const char *mode)
{
	return fopen(path, mode);
}

EXPORT FILE *
freopen(const char *path, const char *mode, FILE *stream)
{
	int fd = fileno(stream), device;

	if (!is_device(path)) {
		/* Without a name it stays the same file, if it can be opened again: a netmap file cannot. */
		if (fd >= 0)
			table_closed(fd);
		return REAL(freopen)(path, mode, stream);
	}
	device = table_open(flags_of(mode));
	if (device < 0) {
		fclose(stream);
		return NULL;
	}
	if (fd >= 0)
		table_closed(fd);
	stream = REAL(freopen)("/dev/null", mode, stream);
	if (stream != NULL && dup3(device, fileno(stream), flags_of(mode) & O_CLOEXEC) < 0) {
		fclose(stream);
		stream = NULL;
	}
	close(device);
	return stream;
}

EXPORT FILE *
freopen64(const char *path, const char *mode, FILE *stream)
{
	return freopen(path, mode, stream);
}

EXPORT int
fclose(FILE *stream)
{
	if (atomic_load_explicit(&shim_highest, memory_order_relaxed) >= 0 && stream != NULL)
		table_closed(fileno(stream));
	return REAL(fclose)(stream);
}

/* ---- is it there? A character device that all may use ---- */

static int
device_stat(struct stat *found)
{
	memset(found, 0, sizeof(*found));
	found->st_mode = S_IFCHR | 0666;
	found->st_nlink = 1;
	found->st_ino = MISC_MAJOR << 8 | DEVICE_MINOR;
	found->st_rdev = makedev(MISC_MAJOR, DEVICE_MINOR);
	found->st_blksize = 4096;
	return 0;
}

static bool
is_ours(int fd)
{
	return is_file(fd) && table_confirm(fd);
}

/* The device by its name, or a file of it by its descriptor. */
static bool
is_device_at(int folder, const char *path, int flags)
{
	return is_device(path) || (is_file(folder) && (flags & AT_EMPTY_PATH) != 0 && path != NULL && path[0] == '\0' && is_ours(folder));
}

/* struct stat64 is struct stat where a long has 64 bits. */
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "struct stat64");

EXPORT int
stat(const char *path, struct stat *found)
{
	return is_device(path) ? device_stat(found) : REAL(stat)(path, found);
}

EXPORT int
stat64(const char *path, struct stat64 *found)
{
	return stat(path, (struct stat *)found);
}

EXPORT int
lstat(const char *path, struct stat *found)
{
	return is_device(path) ? device_stat(found) : REAL(lstat)(path, found);
}

EXPORT int
lstat64(const char *path, struct stat64 *found)
{
	return lstat(path, (struct stat *)found);
}

EXPORT int
fstat(int fd, struct stat *found)
{
	return is_ours(fd) ? device_stat(found) : REAL(fstat)(fd, found);
}

EXPORT int
fstat64(int fd, struct stat64 *found)
{
	return fstat(fd, (struct stat *)found);
}

EXPORT int
fstatat(int folder, const char *path, struct stat *found, int flags)
{
	return is_device_at(folder, path, flags) ? device_stat(found) : REAL(fstatat)(folder, path, found, flags);
}

EXPORT int
fstatat64(int folder, const char *path, struct stat64 *found, int flags)
{
	return fstatat(folder, path, (struct stat *)found, flags);
}

/* The names that programs built with a C library before 2.33 call. */
int __xstat(int version, const char *path, struct stat *found);
int __xstat64(int version, const char *path, struct stat64 *found);
int __lxstat(int version, const char *path, struct stat *found);
int __lxstat64(int version, const char *path, struct stat64 *found);
int __fxstat(int version, int fd, struct stat *found);
int __fxstat64(int version, int fd, struct stat64 *found);
int __fxstatat(int version, int folder, const char *path, struct stat *found, int flags);
int __fxstatat64(int version, int folder, const char *path, struct stat64 *found, int flags);

EXPORT int
__xstat(int version, const char *path, struct stat *found)
{
	return is_device(path) ? device_stat(found) : REAL(__xstat)(version, path, found);
}

EXPORT int
__xstat64(int version, const char *path, struct stat64 *found)
{
	return __xstat(version, path, (struct stat *)found);
}

EXPORT int
__lxstat(int version, const char *path, struct stat *found)
{
	return is_device(path) ? device_stat(found) : REAL(__lxstat)(version, path, found);
}

EXPORT int
__lxstat64(int version, const char *path, struct stat64 *found)
{
	return __lxstat(version, path, (struct stat *)found);
}

EXPORT int
__fxstat(int version, int fd, struct stat *found)
{
	return is_ours(fd) ? device_stat(found) : REAL(__fxstat)(version, fd, found);
}

EXPORT int
__fxstat64(int version, int fd, struct stat64 *found)
{
	return __fxstat(version, fd, (struct stat *)found);
}

EXPORT int
__fxstatat(int version, int folder, const char *path, struct stat *found, int flags)
{
	return is_device_at(folder, path, flags) ? device_stat(found) : REAL(__fxstatat)(version, folder, path, found, flags);
}

EXPORT int
__fxstatat64(int version, int folder, const char *path, struct stat64 *found, int flags)
{
	return __fxstatat(version, folder, path, (struct stat *)found, flags);
}

EXPORT int
statx(int folder, const char *path, int flags, unsigned int mask, struct statx *found)
{
	if (!is_device_at(folder, path, flags))
		return REAL(statx)(folder, path, flags, mask, found);
	memset(found, 0, sizeof(*found));
	found->stx_mask = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_UID | STATX_GID | STATX_INO;
	found->stx_mode = S_IFCHR | 0666;
	found->stx_nlink = 1;
	found->stx_ino = MISC_MAJOR << 8 | DEVICE_MINOR;
	found->stx_rdev_major = MISC_MAJOR;
	found->stx_rdev_minor = DEVICE_MINOR;
	found->stx_blksize = 4096;
	return 0;
}

static int
device_access(int how)
{
	if ((how & ~(R_OK | W_OK | X_OK)) == 0 && (how & X_OK) == 0)
		return 0;
	errno = (how & ~(R_OK | W_OK | X_OK)) != 0 ? EINVAL : EACCES;
	return -1;
}

EXPORT int
access(const char *path, int how)
{
	return is_device(path) ? device_access(how) : REAL(access)(path, how);
}

EXPORT int
faccessat(int folder, const char *path, int how, int flags)
{
	return is_device(path) ? device_access(how) : REAL(faccessat)(folder, path, how, flags);
}

EXPORT int
eaccess(const char *path, int how)
{
	return is_device(path) ? device_access(how) : REAL(eaccess)(path, how);
}

EXPORT int
euidaccess(const char *path, int how)
{
	return is_device(path) ? device_access(how) : REAL(euidaccess)(path, how);
}

ALIAS(open);
ALIAS(open64);
