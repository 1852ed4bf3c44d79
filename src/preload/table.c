/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which descriptors are netmap files or epoll sets that watch some.
 */
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

_Atomic(uintptr_t) shim_table[SHIM_DESCRIPTORS];

/* Held for a few instructions; never around a call that blocks. */
static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct file *free_files;
static int highest = -1;	/* descriptors above were never ours */

void
table_lock(void)
{
	while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire))
		;
}

void
table_unlock(void)
{
	atomic_flag_clear_explicit(&lock, memory_order_release);
}

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

static struct file *
file_new(void)
{
	struct file *file = free_files;

	if (file != NULL) {
		free_files = file->next_free;
	} else {
		table_unlock();
		file = calloc(1, sizeof(*file));
		table_lock();
		if (file == NULL)
			return NULL;
		for (int i = 0; i < SHIM_SESSIONS; i++)
			file->sessions[i].fd = -1;
	}
	file->references = 0;
	file->mapped = 0;
	file->keeper = -1;
	return file;
}

static void
table_set(int fd, uintptr_t entry)
{
	if (fd > highest)
		highest = fd;
	atomic_store_explicit(&shim_table[fd], entry, memory_order_release);
}

static bool
file_add(int fd)
{
	struct file *file;

	if ((unsigned int)fd >= SHIM_DESCRIPTORS)
		return false;
	table_lock();
	file = table_entry(fd) == 0 ? file_new() : NULL;
	if (file != NULL) {
		file->references = 1;
		table_set(fd, (uintptr_t)file);
	}
	table_unlock();
	return file != NULL;
}

int
table_open(int flags)
{
	struct sockaddr_un address;
	socklen_t length = host_address(&address);
	int fd, error;

	if (length == 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | ((flags & O_CLOEXEC) ? SOCK_CLOEXEC : 0), 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, length) == 0) {
		if (file_add(fd))
			return fd;
		errno = EMFILE;
	}
	error = errno;
	REAL(close)(fd);
	errno = error;
	return -1;
}

/* A connection to the server that this process has not made: inherited through exec, or received. */
bool
table_adopt(int fd)
{
	struct sockaddr_un host, peer;
	socklen_t length = sizeof(peer), wanted = host_address(&host);
	int error = errno;
	bool ours;

	ours = wanted != 0 && getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && length == wanted &&
	    memcmp(&peer, &host, length) == 0 && file_add(fd);
	errno = error;
	return ours;
}

static void
adopt_inherited(void)
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		int fd = atoi(entry->d_name);

		if (fd > 2 && fd != dirfd(folder))
			table_adopt(fd);
	}
	closedir(folder);
}

struct file *
file_get(int fd)
{
	struct file *file = NULL;

	table_lock();
	if (is_file(fd)) {
		file = (struct file *)table_entry(fd);
		file->references++;
	}
	table_unlock();
	return file;
}

/* The last reference in this process went: nobody is inside any more. */
static void
file_end(struct file *file)
{
	watch_forget(file);
	for (int i = 0; i < SHIM_SESSIONS; i++) {
		session_close(&file->sessions[i]);
		atomic_store(&file->sessions[i].busy, false);
	}
	table_lock();
	file->next_free = free_files;
	free_files = file;
	table_unlock();
}

void
file_put(struct file *file)
{
	bool last;

	table_lock();
	last = --file->references == 0;
	table_unlock();
	if (last)
		file_end(file);
}

int
file_connection(struct file *file, int fd)
{
	return file->keeper >= 0 ? file->keeper : fd;
}

void
table_dup(int from, int to)
{
	if ((unsigned int)to >= SHIM_DESCRIPTORS)
		return;
	table_lock();
	if (is_file(from)) {
		((struct file *)table_entry(from))->references++;
		table_set(to, table_entry(from));
	}
	table_unlock();
}

/* Called before the descriptor's number can be somebody else's. */
void
table_closed(int fd)
{
	uintptr_t entry;

	if (table_entry(fd) == 0)
		return;
	table_lock();
	entry = atomic_exchange(&shim_table[fd], 0);
	table_unlock();
	if ((entry & 1) != 0)
		watch_close((struct watch *)(entry - 1));
	else if (entry != 0)
		file_put((struct file *)entry);
}

void
table_closed_range(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && (int)fd <= highest; fd++)
		table_closed((int)fd);
}

void
table_set_watch(int fd, struct watch *watch)
{
	table_lock();
	if ((unsigned int)fd < SHIM_DESCRIPTORS && table_entry(fd) == 0)
		table_set(fd, (uintptr_t)watch | 1);
	table_unlock();
}

/* In a child: the sessions are the parent's, which goes on using them. The connection is shared, as an open file is. */
static void
after_fork(void)
{
	for (int fd = 0; fd <= highest; fd++) {
		if (!is_file(fd))
			continue;
		for (int i = 0; i < SHIM_SESSIONS; i++) {
			struct session *session = &((struct file *)table_entry(fd))->sessions[i];

			session_close(session);
			atomic_store(&session->busy, false);
		}
	}
	watch_after_fork();
	table_unlock();
}

__attribute__((constructor)) static void
table_start(void)
{
	shim_resolve();
	pthread_atfork(table_lock, table_unlock, after_fork);
	adopt_inherited();
}
