/* /dev/netmap by its name, and what a descriptor of it is taken for: names TEST. Each test runs in a process of its own. */
#include "check.h"

#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>

#define DEVICE	"/dev/netmap"

/* What programs built with _FORTIFY_SOURCE, or with an old C library, call. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
ssize_t __read_chk(int fd, void *buffer, size_t count, size_t size);
int __open(const char *path, int flags, ...);
int __open64(const char *path, int flags, ...);
int __close(int fd);
ssize_t __read(int fd, void *buffer, size_t count);
ssize_t __write(int fd, const void *buffer, size_t count);
ssize_t __send(int fd, const void *buffer, size_t count, int flags);
int __poll(struct pollfd *fds, nfds_t count, int timeout);
int __poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int __ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t size);

static void
is_netmap(int fd)
{
	CHECK(fd >= 0);
	REFUSED(ioctl(fd, NIOCTXSYNC, NULL), ENXIO);
	CHECK(close(fd) == 0);
	REFUSED(ioctl(fd, NIOCTXSYNC, NULL), EBADF);
}

static void
opens(void)
{
	struct pollfd poller;
	FILE *stream;
	int fd, same;

	is_netmap(open(DEVICE, O_RDWR));
	is_netmap(open64(DEVICE, O_RDWR));
	is_netmap(openat(AT_FDCWD, DEVICE, O_RDWR));
	is_netmap(openat64(AT_FDCWD, DEVICE, O_RDWR | O_CLOEXEC));
	is_netmap(__open(DEVICE, O_RDWR));
	is_netmap(__open64(DEVICE, O_RDWR));
	is_netmap(__open_2(DEVICE, O_RDWR));
	is_netmap(__open64_2(DEVICE, O_RDWR));
	is_netmap(__openat_2(AT_FDCWD, DEVICE, O_RDWR));
	is_netmap(__openat64_2(AT_FDCWD, DEVICE, O_RDWR));
	is_netmap(creat(DEVICE, 0600));
	is_netmap(creat64(DEVICE, 0600));
	/* Streams. */
	for (int i = 0; i < 3; i++) {
		stream = i == 2 ? freopen(DEVICE, "r+", fopen("/dev/null", "r")) : i == 1 ? fopen64(DEVICE, "r+") : fopen(DEVICE, "r+e");
		CHECK(stream != NULL);
		fd = fileno(stream);
		REFUSED(ioctl(fd, NIOCRXSYNC, NULL), ENXIO);
		CHECK(fclose(stream) == 0);
		REFUSED(ioctl(fd, NIOCRXSYNC, NULL), EBADF);
	}
	/* A stream of one becomes another file. */
	stream = fopen(DEVICE, "r+");
	same = fileno(stream);
	stream = freopen("/dev/zero", "r", stream);
	CHECK(stream != NULL && (fileno(stream) != same || getc(stream) == 0) && fclose(stream) == 0);
	/* Waiting, as fortified programs do. */
	poller = (struct pollfd){ .fd = open(DEVICE, O_RDWR), .events = POLLIN };
	CHECK(__poll_chk(&poller, 1, -1, sizeof(poller)) == 1 && poller.revents == POLLERR);
	CHECK(__ppoll_chk(&poller, 1, NULL, NULL, sizeof(poller)) == 1 && poller.revents == POLLERR);
	CHECK(__poll(&poller, 1, -1) == 1 && poller.revents == POLLERR);
	CHECK(__close(poller.fd) == 0);
	REFUSED(ioctl(poller.fd, NIOCRXSYNC, NULL), EBADF);
}

#define IS_DEVICE(call, mode, device)	CHECK((call) == 0 && S_ISCHR(mode) && major(device) == 10)

/* A program that looks whether it is there sees a character device, and the same behind a descriptor. */
static void
looks(void)
{
	int fd = open(DEVICE, O_RDWR);
	struct stat found;
	struct stat64 found64;
	struct statx foundx;

	IS_DEVICE(stat(DEVICE, &found), found.st_mode, found.st_rdev);
	IS_DEVICE(stat64(DEVICE, &found64), found64.st_mode, found64.st_rdev);
	IS_DEVICE(lstat(DEVICE, &found), found.st_mode, found.st_rdev);
	IS_DEVICE(lstat64(DEVICE, &found64), found64.st_mode, found64.st_rdev);
	IS_DEVICE(fstatat(AT_FDCWD, DEVICE, &found, 0), found.st_mode, found.st_rdev);
	IS_DEVICE(fstatat64(AT_FDCWD, DEVICE, &found64, 0), found64.st_mode, found64.st_rdev);
	IS_DEVICE(fstat(fd, &found), found.st_mode, found.st_rdev);
	IS_DEVICE(fstat64(fd, &found64), found64.st_mode, found64.st_rdev);
	IS_DEVICE(fstatat(fd, "", &found, AT_EMPTY_PATH), found.st_mode, found.st_rdev);
	IS_DEVICE(statx(AT_FDCWD, DEVICE, 0, STATX_ALL, &foundx), foundx.stx_mode, makedev(foundx.stx_rdev_major, foundx.stx_rdev_minor));
	IS_DEVICE(statx(fd, "", AT_EMPTY_PATH, STATX_ALL, &foundx), foundx.stx_mode, makedev(foundx.stx_rdev_major, foundx.stx_rdev_minor));
	CHECK(access(DEVICE, F_OK) == 0 && access(DEVICE, R_OK | W_OK) == 0 && eaccess(DEVICE, R_OK) == 0 && euidaccess(DEVICE, W_OK) == 0);
	CHECK(faccessat(AT_FDCWD, DEVICE, F_OK, 0) == 0);
	REFUSED(access(DEVICE, X_OK), EACCES);
	/* Others are what they are. */
	CHECK(stat("/", &found) == 0 && S_ISDIR(found.st_mode) && access("/dev/null", R_OK) == 0);
	REFUSED(access("/dev/netmap1", F_OK), ENOENT);
	REFUSED(stat("/dev/netmap1", &found), ENOENT);
	CHECK(fstat(0, &found) == 0 && found.st_rdev != makedev(10, 59));
}

/* netmap(4): not read, not written, and no socket. The port is none the worse. */
static void
transfers(void)
{
	struct port a = open_port("na{1", 0), b = open_port("na}1", 0);
	char bytes[64] = { 0 };
	struct iovec part = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct mmsghdr messages = { .msg_hdr = message };
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), ends[2], fd = a.fd;

	CHECK(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
	REFUSED(read(fd, bytes, 1), EINVAL);
	REFUSED(write(fd, bytes, 1), EINVAL);
	REFUSED(__read(fd, bytes, 1), EINVAL);
	REFUSED(__write(fd, bytes, 1), EINVAL);
	REFUSED(__send(fd, bytes, 1, 0), ENOTSOCK);
	REFUSED(__read_chk(fd, bytes, 1, sizeof(bytes)), EINVAL);
	REFUSED(pread(fd, bytes, 1, 0), EINVAL);
	REFUSED(pwrite(fd, bytes, 1, 0), EINVAL);
	REFUSED(readv(fd, &part, 1), EINVAL);
	REFUSED(writev(fd, &part, 1), EINVAL);
	REFUSED(preadv(fd, &part, 1, 0), EINVAL);
	REFUSED(pwritev(fd, &part, 1, 0), EINVAL);
	REFUSED(pwritev2(fd, &part, 1, -1, 0), EINVAL);
	REFUSED(sendfile(fd, zero, NULL, 1), EINVAL);
	REFUSED(sendfile(null, fd, NULL, 1), EINVAL);
	REFUSED(splice(ends[0], NULL, fd, NULL, 1, 0), EINVAL);
	REFUSED(send(fd, bytes, 1, 0), ENOTSOCK);
	REFUSED(sendto(fd, bytes, 1, 0, NULL, 0), ENOTSOCK);
	REFUSED(sendmsg(fd, &message, 0), ENOTSOCK);
	REFUSED(sendmmsg(fd, &messages, 1, 0), ENOTSOCK);
	REFUSED(recv(fd, bytes, 1, MSG_DONTWAIT), ENOTSOCK);
	REFUSED(recvfrom(fd, bytes, 1, MSG_DONTWAIT, NULL, NULL), ENOTSOCK);
	REFUSED(recvmsg(fd, &message, MSG_DONTWAIT), ENOTSOCK);
	REFUSED(shutdown(fd, SHUT_RDWR), ENOTSOCK);
	send_one(&a, 0);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, 0) == 1);
}

/* A program that has closed its standard descriptors opens ports there, and goes on to print its errors. */
static void
prints(void)
{
	int report = fcntl(2, F_DUPFD_CLOEXEC, 100);
	struct port a, b;

	CHECK(report >= 100);
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	CHECK(open("/dev/null", O_RDONLY) == 0);
	a = open_port("na{2", 0);
	b = open_port("na}2", 0);
	if (a.fd != 1 || b.fd != 2)
		_exit(2);
	for (uint32_t i = 0; i < 20; i++) {
		fprintf(stderr, "error %u\n", i);
		errno = EIO;
		perror("program");
		printf("line %u\n", i);
		fflush(stdout);
		fflush(stderr);
		/* The server may take a moment to see it. */
		usleep(i == 0 ? 50000 : 0);
		put(&a, i);
		if (ioctl(a.fd, NIOCTXSYNC, NULL) != 0 || ioctl(b.fd, NIOCRXSYNC, NULL) != 0 || take_all(&b, i) != 1) {
			dprintf(report, "round %u: a port is gone: %s\n", i, strerror(errno));
			_exit(3);
		}
	}
}

static const struct test tests[] = {
	TEST(opens), TEST(looks), TEST(transfers), TEST(prints),
};

/* A server on an abstract address that another user has bound: PROGRAM refuses ADDRESS UID. */
static void
refuses(const char *address, const char *user)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(address));
	int ready[2], end[2];
	char byte;
	pid_t server;

	CHECK(pipe(ready) == 0 && pipe(end) == 0);
	server = fork();
	if (server == 0) {
		int listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);

		CHECK(setuid((uid_t)atoi(user)) == 0);
		memcpy(name.sun_path + 1, address + 1, strlen(address) - 1);
		CHECK(bind(listener, (struct sockaddr *)&name, length) == 0 && listen(listener, 5) == 0);
		CHECK(write(ready[1], "x", 1) == 1 && close(end[1]) == 0 && read(end[0], &byte, 1) == 0);
		_exit(0);
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	CHECK(setenv("NETMAP_HOST", address, 1) == 0);
	REFUSED(open(DEVICE, O_RDWR), EPERM);
	CHECK(setenv("NETMAP_VERBOSE", "1", 1) == 0);
	REFUSED(open(DEVICE, O_RDWR), EPERM);
	CHECK(close(end[1]) == 0);
	wait_for(server);
}

int
main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "refuses") == 0) {
		refuses(argv[2], argv[3]);
		return 0;
	}
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
