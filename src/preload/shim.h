/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The preload shim: what its parts share. A netmap descriptor of the program is its connection to the server
 * (docs/protocol.md), so the kernel itself keeps account of dup, fork, exec and descriptors passed to other processes;
 * the shim only knows which descriptors they are, and turns calls on them into messages.
 */
#ifndef SHIM_H_
#define SHIM_H_

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

#include "protocol.h"

#define SHIM_DESCRIPTORS	65536	/* descriptors from here on are never ours */
#define SHIM_SESSIONS		64	/* of one file: threads and epoll sets in it at once */

/* One thread's way into an open file. */
struct session {
	int fd;			/* -1: none */
	int doorbell;
	struct nms_page *page;
	uint32_t sequence;
	uint32_t spin_ns, yield_ns;
	int spin_credit;	/* times a spin may go unrewarded before it is left out */
	uint32_t seen;		/* the page's news before the last sync */
	_Atomic(void *) holder;	/* the thread that is inside, as shim_self names it, or an epoll set; NULL: free */
	int dead;		/* EIO: the server is gone; EINTR: it is our parent's, and a signal handler forked inside a call */
	bool news;		/* an armed poll has been told of news */
};

/* An open netmap file, as far as this process knows it. Never freed: a thread may still look at one that was closed. */
struct file {
	atomic_int references;	/* descriptors, mappings and calls inside; from 0 it only rises when the file is made anew */
	int connection;		/* a hidden duplicate: the program may close its own, and get the number again, at any moment */
	uint64_t identity;	/* of the connection: tells whether a number still stands for it */
	struct session sessions[SHIM_SESSIONS];
	struct file *next_free, *next;	/* of those not in use, of all */
};

/* An epoll set with netmap files in it. Never freed, as files. */
struct member;
struct watch {
	atomic_int references;		/* descriptors of this process that are the set */
	struct watch *next_free, *next;
	pthread_mutex_t lock;		/* taken with watch_enter() */
	struct member *members;		/* changes under the table's lock as well: a fork finds it whole */
	struct member *turn;		/* whose turn it is to be delivered first */
	struct member *former;		/* for use again */
	int news;			/* a set of our own in the program's: the sessions' sockets; -1: not made yet */
	int known_as;			/* news, as that number was when it was put there */
	int kick;			/* an eventfd in the program's set: readable while a member is, or may be, ready */
	atomic_bool kicked;
};

/* One for each thread: its address is the thread's name. */
extern __thread char shim_self __attribute__((tls_model("initial-exec")));

/* ---- table.c: which descriptors are ours ---- */

/*
 * A file; a watch with the lowest bit set; the place of a hidden descriptor's number with the next bit set; or 0. None of
 * them is ever freed, so a stale pointer does no harm.
 */
extern _Atomic(uintptr_t) shim_table[SHIM_DESCRIPTORS];
extern atomic_int shim_highest;		/* descriptors above were never in the table */

#define ENTRY_WATCH	1u
#define ENTRY_HIDDEN	2u
#define ENTRY_KIND	3u

static inline uintptr_t
table_entry(int fd)
{
	return (unsigned int)fd < SHIM_DESCRIPTORS ? atomic_load_explicit(&shim_table[fd], memory_order_acquire) : 0;
}

static inline bool
is_file(int fd)
{
	uintptr_t entry = table_entry(fd);

	return __builtin_expect(entry != 0, 0) && (entry & ENTRY_KIND) == 0;
}

/* A descriptor of the shim's own: the program has never seen it, and must not close it by chance. */
static inline bool
is_hidden(int fd)
{
	return __builtin_expect((table_entry(fd) & ENTRY_HIDDEN) != 0, 0);
}

static inline struct watch *
table_watch(int fd)
{
	uintptr_t entry = table_entry(fd);

	return (entry & ENTRY_WATCH) != 0 ? (struct watch *)(entry - ENTRY_WATCH) : NULL;
}

struct file *file_get(int fd);			/* counted; NULL when the descriptor is none of ours */
struct file *file_get_sure(int fd);		/* the same, where a system call does not matter: sees whether it still is ours */
void file_put(struct file *file);
void file_end(struct file *file);
bool file_add(int fd, bool made);
bool table_confirm(int fd);			/* false: it was closed in a way that we do not see, and is no netmap file */
void table_sweep(void);				/* the same for all */
void table_dup(int from, int to);
void table_closed(int fd);
void table_fresh(int fd);			/* the kernel has just given out this number: what is in the table is gone */
void table_closed_range(unsigned int first, unsigned int last);
bool table_is_ours(void);			/* false in the child of vfork(2), which borrows its parent's memory */
void table_lock(void);				/* no signal handler runs while it is held */
void table_unlock(void);
void table_set(int fd, uintptr_t entry);	/* under the lock */
bool table_set_watch(int fd, struct watch *watch);	/* false: the number has no place in the table */
void table_forget(int fd, uintptr_t entry);

/* ---- hidden.c: descriptors of the shim's own ---- */
void table_hide(int *place, int fd);		/* fd, out of the program's way; its number is in place. Closed if there is one */
void table_unhide(int *place);			/* closes it; place is -1 then */
void table_evict(int fd);			/* a hidden descriptor makes room for one of the program's */
bool table_next_hidden(unsigned int first, unsigned int last, unsigned int *found);

/* ---- connection.c: new files ---- */
int table_open(int flags);			/* open("/dev/netmap") */
bool table_adopt(int fd);			/* a netmap descriptor that came from elsewhere */
bool table_adopt_all(int fd);			/* all that were inherited through exec; whether fd is one */

/* ---- session.c: requests ---- */
struct session *session_take(struct file *file);	/* NULL, with errno */
void session_keep(struct session *session);		/* it is an epoll set's, until it is given back */
void session_give(struct session *session);
bool session_is_mine(const struct session *session);	/* the calling thread's */
void session_after_fork(struct session *session);
void session_close(struct session *session);
uint64_t session_sync(struct session *session, unsigned int op, unsigned int flags, unsigned int events);
void session_drain(struct session *session);
bool session_linger(struct session *session, int64_t deadline);
void session_end_wait(struct session *session);
struct request {
	uint16_t type;
	const struct iovec *parts;	/* what follows the header */
	int part_count;
	const int *descriptors;
	int descriptor_count;
	void *answer;			/* room for what follows the answer's header */
	size_t answer_size;
	size_t answer_length;		/* out */
	int *received;			/* out, may be NULL: one descriptor, or -1 */
};
int session_ask(struct session *session, struct request *request);	/* 0 or an errno */
int message_send(int fd, uint16_t type, const struct iovec *parts, int part_count, const int *descriptors, int count);

/* ---- request.c ---- */
int copy_in(void *to, uint64_t address, size_t length);		/* from the program's memory, whatever the address: 0 or EFAULT */
int file_ioctl(struct file *file, unsigned long request, void *argument);

/* ---- memory.c ---- */
void *file_mmap(struct file *file, void *address, size_t length, int protection, int flags, off_t offset);
void memory_unmapped(void *address, size_t length);
void memory_replaced(void *address, size_t length, int flags);
void *memory_remap(void *address, size_t from, size_t to, int flags, void *target);
void memory_count(void);				/* after a fork: mappings are references */
extern atomic_int memory_mappings;
int memory_backing(uint64_t address, uint64_t length, uint64_t *offset, int *fd);	/* 0 or an errno */

/* ---- waiting.c ---- */
bool poll_sound(struct pollfd *fds, nfds_t count, int *result);
bool poll_concerns(const struct pollfd *fds, nfds_t count);
int file_poll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask);

/* ---- selecting.c ---- */
bool select_concerns(int count, const fd_set *read, const fd_set *write, const fd_set *except);
int file_select(int count, fd_set *read, fd_set *write, fd_set *except, const struct timespec *timeout, const sigset_t *mask);

/* ---- epoll.c, members.c ---- */

/* What the kernel says of our two descriptors in a set of the program's. Also in a process that has got the set from elsewhere. */
#define WATCH_NEWS	0x6e65746d61702120ull
#define WATCH_KICK	(WATCH_NEWS | 1)
#define IS_WATCH(event)	(((event).data.u64 | 1) == WATCH_KICK)

int watch_control(int epoll, int operation, int fd, const struct epoll_event *event);
int watch_wait(struct watch *watch, int epoll, struct epoll_event *events, int count, int64_t timeout_ns, const sigset_t *mask);
void watch_put(struct watch *watch);
void watch_forget(struct file *file);
void watch_after_fork(void);
bool watch_ends_later(struct file *file);	/* in a signal handler that interrupted us inside a set: when we leave that */
void watch_settle(struct watch *watch, int epoll);	/* the kernel's set is readable if a member is ready */
void watch_settle_outer(void);			/* the same for sets that others hold */
void watch_added(int fd);			/* to some set */
int watch_wait_on(int epoll, struct epoll_event *events, int count, int found, int64_t timeout_ns, const sigset_t *mask);

/* ---- the C library's own functions ---- */
struct libc {
	int (*open)(const char *, int, ...);
	int (*openat)(int, const char *, int, ...);
	int (*close)(int);
	int (*close_range)(unsigned int, unsigned int, int);
	void (*closefrom)(int);
	ssize_t (*read)(int, void *, size_t);
	ssize_t (*write)(int, const void *, size_t);
	int (*ioctl)(int, unsigned long, ...);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	void *(*mremap)(void *, size_t, size_t, int, ...);
	int (*munmap)(void *, size_t);
	int (*poll)(struct pollfd *, nfds_t, int);
	int (*ppoll)(struct pollfd *, nfds_t, const struct timespec *, const sigset_t *);
	int (*select)(int, fd_set *, fd_set *, fd_set *, struct timeval *);
	int (*pselect)(int, fd_set *, fd_set *, fd_set *, const struct timespec *, const sigset_t *);
	int (*epoll_ctl)(int, int, int, struct epoll_event *);
	int (*epoll_wait)(int, struct epoll_event *, int, int);
	int (*epoll_pwait)(int, struct epoll_event *, int, int, const sigset_t *);
	int (*epoll_pwait2)(int, struct epoll_event *, int, const struct timespec *, const sigset_t *);
	int (*dup)(int);
	int (*dup2)(int, int);
	int (*dup3)(int, int, int);
	int (*fcntl)(int, int, ...);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	int (*recvmmsg)(int, struct mmsghdr *, unsigned int, int, struct timespec *);
	/* paths.c */
	FILE *(*fopen)(const char *, const char *);
	FILE *(*freopen)(const char *, const char *, FILE *);
	int (*fclose)(FILE *);
	int (*stat)(const char *, struct stat *);
	int (*lstat)(const char *, struct stat *);
	int (*fstat)(int, struct stat *);
	int (*fstatat)(int, const char *, struct stat *, int);
	int (*__xstat)(int, const char *, struct stat *);
	int (*__lxstat)(int, const char *, struct stat *);
	int (*__fxstat)(int, int, struct stat *);
	int (*__fxstatat)(int, int, const char *, struct stat *, int);
	int (*statx)(int, const char *, int, unsigned int, struct statx *);
	int (*access)(const char *, int);
	int (*faccessat)(int, const char *, int, int);
	int (*eaccess)(const char *, int);
	int (*euidaccess)(const char *, int);
	/* fresh.c */
	int (*socket)(int, int, int);
	int (*socketpair)(int, int, int, int[2]);
	int (*pipe)(int[2]);
	int (*pipe2)(int[2], int);
	int (*accept)(int, struct sockaddr *, socklen_t *);
	int (*accept4)(int, struct sockaddr *, socklen_t *, int);
	int (*eventfd)(unsigned int, int);
	int (*epoll_create)(int);
	int (*epoll_create1)(int);
	int (*timerfd_create)(clockid_t, int);
	int (*signalfd)(int, const sigset_t *, int);
	int (*inotify_init)(void);
	int (*inotify_init1)(int);
	int (*memfd_create)(const char *, unsigned int);
	/* transfer.c */
	ssize_t (*pread)(int, void *, size_t, off_t);
	ssize_t (*pwrite)(int, const void *, size_t, off_t);
	ssize_t (*readv)(int, const struct iovec *, int);
	ssize_t (*writev)(int, const struct iovec *, int);
	ssize_t (*preadv)(int, const struct iovec *, int, off_t);
	ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
	ssize_t (*preadv2)(int, const struct iovec *, int, off_t, int);
	ssize_t (*pwritev2)(int, const struct iovec *, int, off_t, int);
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
	int (*sendmmsg)(int, struct mmsghdr *, unsigned int, int);
	ssize_t (*recv)(int, void *, size_t, int);
	ssize_t (*recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*sendfile)(int, int, off_t *, size_t);
	ssize_t (*splice)(int, off64_t *, int, off64_t *, size_t, unsigned int);
	int (*shutdown)(int, int);
};
extern struct libc libc_;
void shim_find(void *place, const char *name);

/* Functions may be called before our constructor has run, by those of other libraries; some are looked for when they are needed. */
#define REAL(name)	(__builtin_expect(libc_.name == NULL, 0) ? (shim_find(&libc_.name, #name), libc_.name) : libc_.name)

#define EXPORT		__attribute__((visibility("default")))

/* The C library exports some calls by a second name. */
#define ALIAS(name)	extern __typeof(name) __##name EXPORT __attribute__((alias(#name), copy(name)))

/* What must not be left half done by pthread_cancel(3): the C library's calls that we use would be points to end at. */
static inline int
cancel_off(void)
{
	int state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	return state;
}

static inline void
cancel_restore(int state)
{
	pthread_setcancelstate(state, &state);
}

/* A time in nanoseconds; programs wait "for ever" with the longest there is, which would be one long gone. */
static inline int64_t
ns_of(const struct timespec *time)
{
	return time->tv_sec < INT64_MAX / 4000000000 ? (int64_t)time->tv_sec * 1000000000 + time->tv_nsec : INT64_MAX / 4;
}

static inline int64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return ns_of(&now);
}

#endif /* SHIM_H_ */
