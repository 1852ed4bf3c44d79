/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * New netmap files: connections to the server that this process makes, or has got from another one.
 */
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <unistd.h>

/* Where the server listens; its length, or 0 for a name that is too long. */
static socklen_t
host_address(struct sockaddr_un *address)
{
	const char *host = getenv(NMS_HOST_VARIABLE);
	size_t length;

	if (host == NULL || host[0] == '\0')
		host = NMS_DEFAULT_HOST;
	length = strlen(host);
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (length >= sizeof(address->sun_path))
		return 0;
	memcpy(address->sun_path, host, length);
	if (host[0] == '@') {
		address->sun_path[0] = '\0';
		return offsetof(struct sockaddr_un, sun_path) + length;
	}
	return offsetof(struct sockaddr_un, sun_path) + length + 1;
}

/* One line for those who asked for more words (netmap run -v). */
static void
tell(const char *words, const char *name, unsigned int number)
{
	char line[256];
	int length;

	if (getenv(NMS_VERBOSE_VARIABLE) == NULL || table_entry(STDERR_FILENO) != 0)
		return;
	length = snprintf(line, sizeof(line), words, name, number);
	if (length > 0)
		(void)!REAL(write)(STDERR_FILENO, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

/*
 * An abstract address has no permissions: any user may have bound it. A server says where rings and buffers lie, so it has to be
 * one whom this process trusts with its memory.
 */
static bool
is_trusted(int fd, const struct sockaddr_un *address)
{
	struct ucred server = { .uid = (uid_t)-1 };
	socklen_t size = sizeof(server);

	if (address->sun_path[0] != '\0')
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &server, &size) == 0 &&
	    (server.uid == 0 || server.uid == geteuid() || server.uid == getuid()))
		return true;
	tell("netmap: open /dev/netmap: the server at @%.80s is user %u's, who is neither this user nor root (EPERM): start it as one of these\n",
	    address->sun_path + 1, server.uid);
	errno = EPERM;
	return false;
}

int
table_open(int flags)
{
	struct sockaddr_un address;
	socklen_t length = host_address(&address);
	int fd, error, cancel;

	if (length == 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* What was closed behind our back must not keep its port. */
	table_sweep();
	fd = REAL(socket)(AF_UNIX, SOCK_SEQPACKET | ((flags & O_CLOEXEC) ? SOCK_CLOEXEC : 0), 0);
	if (fd < 0)
		return -1;
	table_fresh(fd);
	cancel = cancel_off();
	if (connect(fd, (struct sockaddr *)&address, length) < 0 || !is_trusted(fd, &address))
		error = errno;
	else
		error = file_add(fd, true) ? 0 : EMFILE;
	if (error != 0)
		REAL(close)(fd);
	cancel_restore(cancel);
	if (error == 0)
		return fd;
	/* A signal handler has forked meanwhile, and the other process was faster: the connection is its. */
	if (error == EISCONN)
		return table_open(flags);
	errno = error;
	return -1;
}

/* A connection to the server that this process has not made. */
bool
table_adopt(int fd)
{
	struct sockaddr_un host, peer;
	socklen_t length = sizeof(peer), wanted = host_address(&host);
	int error = errno;
	bool ours;

	ours = wanted != 0 && getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && length == wanted &&
	    memcmp(&peer, &host, length) == 0 && is_trusted(fd, &host) && file_add(fd, false);
	errno = error;
	return ours;
}

bool
table_adopt_all(int fd)
{
	int cancel = cancel_off(), error = errno;
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		int other = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);

		if (other >= 0 && other != dirfd(folder) && table_entry(other) == 0)
			table_adopt(other);
	}
	if (folder != NULL)
		closedir(folder);
	if (table_entry(fd) == 0)
		table_adopt(fd);
	errno = error;
	cancel_restore(cancel);
	return is_file(fd);
}

/*
 * The program of `netmap run` goes with it, be it by kill -9: its engine is gone, and nobody is there to end it. Only its own
 * program: the variable is there for that one's children, too.
 */
__attribute__((constructor)) static void
follow_runner(void)
{
	const char *runner = getenv(NMS_RUNNER_VARIABLE);
	pid_t parent = getppid();

	if (runner == NULL || atoi(runner) != parent)
		return;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	/* It may have gone before we asked. */
	if (getppid() != parent)
		raise(SIGTERM);
}
