/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which descriptors are netmap files or epoll sets that watch some, and how long they live in this process.
 */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

_Atomic(uintptr_t) shim_table[SHIM_DESCRIPTORS];
atomic_int shim_highest = -1;
__thread char shim_self __attribute__((tls_model("initial-exec")));

/*
 * Held for a few instructions, never around a call that blocks. A thread that holds it runs no signal handler, which could close
 * or fork; one that waits for it lends the holder its priority, and does not spin: a real-time thread would keep the holder from running.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static sigset_t mask_outside;		/* of the thread that holds the lock */
static struct file *free_files, *all_files;

/* Whose memory this is. The kernel zeroes the page in a child that has its own (MADV_WIPEONFORK); one that shares it sees our number. */
static pid_t nobody, *owner = &nobody;
static pthread_once_t begun = PTHREAD_ONCE_INIT;
static atomic_bool in_use;		/* begin() is through */
static bool forking;

static void after_fork(void);

void
table_lock(void)
{
	sigset_t all, outside;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &outside);
	pthread_mutex_lock(&lock);
	mask_outside = outside;
}

void
table_unlock(void)
{
	sigset_t outside = mask_outside;

	pthread_mutex_unlock(&lock);
	pthread_sigmask(SIG_SETMASK, &outside, NULL);
}

static void
lock_init(void)
{
	pthread_mutexattr_t kind;

	pthread_mutexattr_init(&kind);
	pthread_mutexattr_setprotocol(&kind, PTHREAD_PRIO_INHERIT);
	if (pthread_mutex_init(&lock, &kind) != 0)
		pthread_mutex_init(&lock, NULL);
	pthread_mutexattr_destroy(&kind);
}

/* Before the first file: most programs never have one. */
static void
begin(void)
{
	pid_t *page = REAL(mmap)(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page != MAP_FAILED && madvise(page, sizeof(*page), MADV_WIPEONFORK) == 0)
		owner = page;
	*owner = getpid();
	lock_init();
	atomic_store(&in_use, true);
}

static void
before_fork(void)
{
	forking = atomic_load(&in_use);
	if (forking)
		table_lock();
}

static void
after_fork_in_parent(void)
{
	if (forking)
		table_unlock();
}

static void
after_fork_in_child(void)
{
	sigset_t outside = mask_outside;

	if (!forking)
		return;
	after_fork();
	pthread_sigmask(SIG_SETMASK, &outside, NULL);
}

/* The first to be registered, and so the last before a fork and the first after it: what other libraries do there finds no lock held. */
__attribute__((constructor)) static void
follow_forks(void)
{
	pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

bool
table_is_ours(void)
{
	if (!atomic_load(&in_use))
		return true;	/* there is nothing yet that could be another's */
	if (*owner == 0)
		after_fork();
	return *owner == getpid();
}

/* What a number stands for, as the kernel tells; 0 when it does not. */
static uint64_t
identity_of(int fd)
{
	struct stat found;

	/* The kernel's own call: ours says that a netmap file is a device. */
	if (syscall(SYS_fstat, fd, &found) < 0)
		return errno == EBADF ? 1 : 0;
	return (uint64_t)found.st_ino | (uint64_t)found.st_dev << 40;
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

void
table_set(int fd, uintptr_t entry)
{
	if (fd > atomic_load_explicit(&shim_highest, memory_order_relaxed))
		atomic_store_explicit(&shim_highest, fd, memory_order_relaxed);
	atomic_store_explicit(&shim_table[fd], entry, memory_order_release);
}

/* What was in the table for a descriptor that is something else now, or closed. */
static void
drop(uintptr_t entry)
{
	if ((entry & ENTRY_WATCH) != 0)
		watch_put((struct watch *)(entry - ENTRY_WATCH));
	else if (entry != 0)
		file_put((struct file *)entry);
}

/*
 * A file for a descriptor. One that the calling thread has just made replaces what is in the table: another thread may have tried
 * that number, and adopted it or what it was before.
 */
bool
file_add(int fd, bool made)
{
	struct file *file;
	uintptr_t old;
	int connection = (unsigned int)fd < SHIM_DESCRIPTORS ? REAL(fcntl)(fd, F_DUPFD_CLOEXEC, NULL) : -1;

	if (connection < 0)
		return false;
	pthread_once(&begun, begin);
	if (!made && !table_is_ours()) {
		REAL(close)(connection);
		return false;
	}
	table_lock();
	file = file_new();
	table_unlock();
	if (file == NULL) {
		REAL(close)(connection);
		return false;
	}
	file->identity = identity_of(connection);
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

static atomic_int *
references_of(uintptr_t entry)
{
	return (entry & ENTRY_WATCH) != 0 ? &((struct watch *)(entry - ENTRY_WATCH))->references : &((struct file *)entry)->references;
}

static bool
count_in(uintptr_t entry)
{
	atomic_int *references = references_of(entry);
	int count = atomic_load(references);

	while (count > 0) {
		if (atomic_compare_exchange_weak(references, &count, count + 1))
			return true;
	}
	return false;
}

struct file *
file_get(int fd)
{
	struct file *file;

	if (__builtin_expect(*owner == 0, 0) && atomic_load(&in_use))
		after_fork();
	while (is_file(fd)) {
		file = (struct file *)table_entry(fd);
		if (!count_in((uintptr_t)file))
			continue;	/* being closed by another thread, which took its entry away before */
		if (table_entry(fd) == (uintptr_t)file)
			return file;
		file_put(file);		/* it was; and may be something else by now */
	}
	return NULL;
}

struct file *
file_get_sure(int fd)
{
	return is_file(fd) && table_confirm(fd) ? file_get(fd) : NULL;
}

/* The last reference in this process went: nobody is inside any more. */
void
file_end(struct file *file)
{
	int cancel = cancel_off();

	watch_forget(file);
	for (int i = 0; i < SHIM_SESSIONS; i++) {
		session_close(&file->sessions[i]);
		atomic_store(&file->sessions[i].holder, NULL);
	}
	table_unhide(&file->connection);
	table_lock();
	file->next_free = free_files;
	free_files = file;
	table_unlock();
	cancel_restore(cancel);
}

void
file_put(struct file *file)
{
	if (atomic_fetch_sub(&file->references, 1) == 1 && !watch_ends_later(file))
		file_end(file);
}

void
table_forget(int fd, uintptr_t entry)
{
	bool found;

	if (!table_is_ours())
		return;
	table_lock();
	found = table_entry(fd) == entry;
	if (found)
		atomic_store(&shim_table[fd], 0);
	table_unlock();
	if (found)
		drop(entry);
}

bool
table_confirm(int fd)
{
	uintptr_t entry = table_entry(fd);
	uint64_t identity;

	if (entry == 0 || (entry & ENTRY_KIND) != 0)
		return false;
	identity = identity_of(fd);
	/* A kernel that does not tell, because the program is in a sandbox, is no sign of anything. */
	if (identity == 0 || identity == ((struct file *)entry)->identity)
		return true;
	table_forget(fd, entry);
	return false;
}

void
table_sweep(void)
{
	for (int fd = 0; fd <= shim_highest; fd++) {
		if (is_file(fd))
			table_confirm(fd);
	}
}

void
table_dup(int from, int to)
{
	uintptr_t entry, old;

	if (is_file(from))
		table_confirm(from);
	entry = table_entry(from);
	if (entry == 0 || (entry & ENTRY_HIDDEN) != 0) {
		table_fresh(to);
		return;
	}
	if ((unsigned int)to >= SHIM_DESCRIPTORS || !table_is_ours() || !count_in(entry))
		return;
	/* The reference is the new number's; another thread that tries the number may have adopted it, or what it was before. */
	table_lock();
	old = table_entry(to);
	table_set(to, entry);
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
table_fresh(int fd)
{
	uintptr_t entry = table_entry(fd);

	if (__builtin_expect(entry == 0, 1) || !table_is_ours())
		return;
	if ((entry & ENTRY_HIDDEN) == 0) {
		table_closed(fd);
		return;
	}
	/* One of ours was closed by a system call of the program's own; it is lost. */
	table_lock();
	if (table_entry(fd) == entry) {
		atomic_store(&shim_table[fd], 0);
		__atomic_store_n((int *)(entry - ENTRY_HIDDEN), -1, __ATOMIC_RELAXED);
	}
	table_unlock();
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

/* Threads that were inside when their process was forked are not here; this one is, if a signal handler of it has forked. */
static void
count_again(void)
{
	for (struct file *file = all_files; file != NULL; file = file->next)
		atomic_store(&file->references, 0);
	for (int fd = 0; fd <= shim_highest; fd++) {
		uintptr_t entry = table_entry(fd);

		if (entry != 0 && (entry & ENTRY_KIND) == 0)
			atomic_fetch_add(references_of(entry), 1);
	}
	memory_count();
	for (struct file *file = all_files; file != NULL; file = file->next) {
		for (int i = 0; i < SHIM_SESSIONS; i++) {
			if (session_is_mine(&file->sessions[i]))
				atomic_fetch_add(&file->references, 1);
		}
	}
}

/* In a child: the sessions are the parent's, which goes on using them. The connection is shared, as an open file is. */
static void
after_fork(void)
{
	*owner = getpid();
	lock_init();	/* only we are here; another thread may have held it */
	count_again();
	watch_after_fork();
	for (struct file *file = all_files; file != NULL; file = file->next) {
		for (int i = 0; i < SHIM_SESSIONS; i++)
			session_after_fork(&file->sessions[i]);
		/* A call of another thread was the last that held it. */
		if (file->connection >= 0 && atomic_load(&file->references) == 0)
			file_end(file);
	}
}
