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
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/un.h>
#include <unistd.h>

_Atomic(uintptr_t) shim_table[SHIM_DESCRIPTORS];

/* Held for a few instructions; never around a call that blocks. */
static atomic_flag lock = ATOMIC_FLAG_INIT;
static struct file *free_files, *all_files;
atomic_int shim_highest = -1;

/* Whose memory this is. The kernel zeroes the page in a child that has its own (MADV_WIPEONFORK); one that shares it sees our number. */
static pid_t nobody, *owner = &nobody;
static pthread_once_t begun = PTHREAD_ONCE_INIT;

static void after_fork(void);

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
			file->sessions[i].fd = file->sessions[i].doorbell = -1;
		file->next = all_files;
		all_files = file;
	}
	file->connection = -1;
	return file;
}

static void
table_set(int fd, uintptr_t entry)
{
	if (fd > atomic_load_explicit(&shim_highest, memory_order_relaxed))
		atomic_store_explicit(&shim_highest, fd, memory_order_relaxed);
	atomic_store_explicit(&shim_table[fd], entry, memory_order_release);
}

/* Before the first file: most programs never have one. */
static void
begin(void)
{
	pid_t *page = REAL(mmap)(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED && madvise(page, sizeof(*page), MADV_WIPEONFORK) == 0)
		owner = page;
	*owner = getpid();
	pthread_atfork(table_lock, table_unlock, after_fork);
}

/* What was in the table for a descriptor that is something else now, or closed. */
static void
drop(uintptr_t entry)
{
	if ((entry & ENTRY_WATCH) != 0)
		watch_close((struct watch *)(entry - ENTRY_WATCH));
	else if (entry != 0)
		file_put((struct file *)entry);
}

/*
 * A file for a descriptor. One that the calling thread has just made replaces what is in the table: another thread may have tried
 * that number, and adopted it or what it was before.
 */
static bool
file_add(int fd, bool made)
{
	struct file *file;
	uintptr_t old;
	int connection = (unsigned int)fd < SHIM_DESCRIPTORS ? REAL(fcntl)(fd, F_DUPFD_CLOEXEC, NULL) : -1;

	if (connection < 0)
		return false;
	pthread_once(&begun, begin);
	table_lock();
	file = file_new();
	table_unlock();
	if (file == NULL) {
		REAL(close)(connection);
		return false;
	}
	table_hide(&file->connection, connection);
	atomic_store(&file->references, 1);
	table_lock();
	old = table_entry(fd);
	if (old == 0 || made)
		table_set(fd, (uintptr_t)file);
	table_unlock();
	if (made)
		drop(old);
	else if (old != 0)
		file_put(file);
	return old == 0 || made;
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
	fd = socket(AF_UNIX, SOCK_SEQPACKET | ((flags & O_CLOEXEC) ? SOCK_CLOEXEC : 0), 0);
	if (fd < 0)
		return -1;
	cancel = cancel_off();
	error = connect(fd, (struct sockaddr *)&address, length) < 0 ? errno : file_add(fd, true) ? 0 : EMFILE;
	if (error != 0)
		REAL(close)(fd);
	cancel_restore(cancel);
	if (error == 0)
		return fd;
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

	ours = wanted != 0 && table_is_ours() && getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && length == wanted &&
	    memcmp(&peer, &host, length) == 0 && file_add(fd, false);
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

		if (other >= 0 && other != dirfd(folder))
			table_adopt(other);
	}
	if (folder != NULL)
		closedir(folder);
	table_adopt(fd);
	errno = error;
	cancel_restore(cancel);
	return is_file(fd);
}

static bool
file_count(struct file *file)
{
	int count = atomic_load(&file->references);

	while (count > 0) {
		if (atomic_compare_exchange_weak(&file->references, &count, count + 1))
			return true;
	}
	return false;
}

struct file *
file_get(int fd)
{
	struct file *file;

	if (__builtin_expect(*owner == 0, 0))
		after_fork();
	while (is_file(fd)) {
		file = (struct file *)table_entry(fd);
		if (!file_count(file))
			continue;	/* being closed by another thread: its entry has gone, or is about to */
		if (table_entry(fd) == (uintptr_t)file)
			return file;
		file_put(file);		/* it was; and may be something else by now */
	}
	return NULL;
}

/* The last reference in this process went: nobody is inside any more. */
static void
file_end(struct file *file)
{
	int cancel = cancel_off(), connection;

	watch_forget(file);
	for (int i = 0; i < SHIM_SESSIONS; i++) {
		session_close(&file->sessions[i]);
		atomic_store(&file->sessions[i].busy, false);
	}
	table_lock();
	connection = table_reveal(&file->connection);
	table_unlock();
	REAL(close)(connection);
	table_lock();
	file->next_free = free_files;
	free_files = file;
	table_unlock();
	cancel_restore(cancel);
}

void
file_put(struct file *file)
{
	if (atomic_fetch_sub(&file->references, 1) == 1)
		file_end(file);
}

void
table_dup(int from, int to)
{
	struct file *file = (unsigned int)to < SHIM_DESCRIPTORS && table_is_ours() ? file_get(from) : NULL;
	uintptr_t old;

	if (file == NULL)
		return;
	/* The reference is the new number's; another thread that tries the number may have adopted it, or what it was before. */
	table_lock();
	old = table_entry(to);
	table_set(to, (uintptr_t)file);
	table_unlock();
	drop(old);
}

/* Called before the descriptor's number can be somebody else's. */
void
table_closed(int fd)
{
	uintptr_t entry;

	if (table_entry(fd) == 0 || is_hidden(fd) || !table_is_ours())
		return;
	table_lock();
	entry = atomic_exchange(&shim_table[fd], 0);
	table_unlock();
	drop(entry);
}

void
table_closed_range(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && (int)fd <= shim_highest; fd++)
		table_closed((int)fd);
}

bool
table_set_watch(int fd, struct watch *watch)
{
	bool free;

	table_lock();
	free = (unsigned int)fd < SHIM_DESCRIPTORS && table_entry(fd) == 0;
	if (free)
		table_set(fd, (uintptr_t)watch | ENTRY_WATCH);
	table_unlock();
	return free;
}

/* Out of the way of programs that count on low numbers. */
#define HIDDEN_FROM	512

static int
move_up(int fd)
{
	int moved = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, (void *)(intptr_t)HIDDEN_FROM);

	return moved >= 0 && moved < SHIM_DESCRIPTORS ? moved : (REAL(close)(moved), -1);
}

void
table_hide(int *place, int fd)
{
	int moved = move_up(fd);

	if (moved >= 0) {
		REAL(close)(fd);
		fd = moved;
	}
	table_lock();
	if (*place < 0) {
		*place = fd;
		if ((unsigned int)fd < SHIM_DESCRIPTORS)
			table_set(fd, (uintptr_t)place | ENTRY_HIDDEN);
		fd = -1;
	}
	table_unlock();
	if (fd >= 0)
		REAL(close)(fd);
}

int
table_reveal(int *place)
{
	int fd = *place;

	if ((unsigned int)fd < SHIM_DESCRIPTORS)
		atomic_store(&shim_table[fd], 0);
	*place = -1;
	return fd;
}

void
table_evict(int fd)
{
	int moved;

	if (!is_hidden(fd) || !table_is_ours() || (moved = move_up(fd)) < 0)
		return;
	table_lock();
	if (is_hidden(fd)) {
		uintptr_t entry = table_entry(fd);

		__atomic_store_n((int *)(entry - ENTRY_HIDDEN), moved, __ATOMIC_RELAXED);
		table_set(moved, entry);
		atomic_store(&shim_table[fd], 0);
		moved = -1;
	}
	table_unlock();
	if (moved >= 0)
		REAL(close)(moved);
}

unsigned int
table_next_hidden(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && (int)fd <= shim_highest; fd++) {
		if (is_hidden((int)fd))
			return fd;
	}
	return last + 1;
}

bool
table_is_ours(void)
{
	if (*owner == 0)
		after_fork();
	return *owner == getpid();
}

/* In a child: the sessions are the parent's, which goes on using them. The connection is shared, as an open file is. */
static void
after_fork(void)
{
	*owner = getpid();
	atomic_flag_clear(&lock);	/* only we are here; another thread may have held it */
	for (struct file *file = all_files; file != NULL; file = file->next) {
		for (int i = 0; i < SHIM_SESSIONS; i++) {
			session_close(&file->sessions[i]);
			atomic_store(&file->sessions[i].busy, false);
		}
	}
	watch_after_fork();
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
