/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What an epoll set knows of the netmap files in it. The kernel's set of the program holds two descriptors of ours: a second set (news),
 * in which stand the members' sessions, whose sockets become readable when the server has news; and an eventfd (kick), which is
 * readable while a member is ready, or may be. So the kernel sees the program's set as readable when it should: be it in poll,
 * in another set, or from another thread; and what is ready takes turns with the program's other descriptors.
 */
#include "members.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define EVENTS	(EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLERR)

static struct watch *all_watches, *free_watches;	/* under the table's lock; the first list only grows at its head */
static atomic_int watches_kicked;

/* What a signal handler closes while its thread is inside a set waits until that leaves it. */
static __thread int inside __attribute__((tls_model("initial-exec")));
static __thread struct file *late_files __attribute__((tls_model("initial-exec")));
static __thread struct watch *late_watches __attribute__((tls_model("initial-exec")));

static void watch_close(struct watch *watch);

void
watch_enter(struct watch *watch)
{
	inside++;
	atomic_signal_fence(memory_order_seq_cst);
	pthread_mutex_lock(&watch->lock);
}

void
watch_leave(struct watch *watch)
{
	int error = errno;

	pthread_mutex_unlock(&watch->lock);
	atomic_signal_fence(memory_order_seq_cst);
	inside--;
	while (__builtin_expect(inside == 0 && late_files != NULL, 0)) {
		struct file *file = late_files;

		late_files = file->next_free;
		file_end(file);
	}
	while (__builtin_expect(inside == 0 && late_watches != NULL, 0)) {
		struct watch *watch = late_watches;

		late_watches = watch->next_free;
		watch_close(watch);
	}
	errno = error;
}

bool
watch_inside(void)
{
	return inside != 0;
}

bool
watch_ends_later(struct file *file)
{
	if (inside == 0)
		return false;
	file->next_free = late_files;
	late_files = file;
	return true;
}

void
watch_put(struct watch *watch)
{
	if (atomic_fetch_sub(&watch->references, 1) != 1)
		return;
	if (inside == 0) {
		watch_close(watch);
		return;
	}
	watch->next_free = late_watches;
	late_watches = watch;
}

struct member **
member_find(struct watch *watch, const struct file *file, int fd)
{
	struct member **place = &watch->members;

	while (*place != NULL && ((*place)->fd != fd || (*place)->file != file))
		place = &(*place)->next;
	return place;
}

static uint32_t
sync_member(struct member *member, bool arm, uint32_t events)
{
	uint64_t done = session_sync(member->session, NMS_OP_POLL, arm ? NMS_FLAG_ARM : 0, events);

	return NMS_FOUND(done) & EVENTS;
}

/* Looks, and has the server wake us if there is nothing. */
void
member_look(struct watch *watch, struct member *member)
{
	if (member->off)
		return;
	if (member->session == NULL) {
		member->found = EPOLLERR;
		return;
	}
	member->found = sync_member(member, true, member->wanted.events & EVENTS);
	member->armed = member->found == 0;
	/* Edge: the next news counts, however ready the rings are now. */
	if (member->found != 0 && (member->wanted.events & EPOLLET) != 0) {
		sync_member(member, true, 0);
		member->armed = true;
	}
	/* Its socket would be news for ever. */
	if (member->session->dead != 0)
		REAL(epoll_ctl)(watch->news, EPOLL_CTL_DEL, member->session->fd, NULL);
}

/* The kick says whether a member is ready; or may be, as it was when it was delivered, and has not been looked at since. */
void
watch_kick(struct watch *watch)
{
	uint64_t number = 1;
	bool ready = false;

	for (const struct member *member = watch->members; member != NULL; member = member->next)
		ready |= !member->off && (member->found != 0 || !member->armed);
	if (ready == watch->kicked)
		return;
	watch->kicked = ready;
	if (ready) {
		atomic_fetch_add(&watches_kicked, 1);
		(void)!REAL(write)(watch->kick, &number, sizeof(number));
	} else {
		(void)!REAL(read)(watch->kick, &number, sizeof(number));
		atomic_fetch_sub(&watches_kicked, 1);
	}
}

/* Looks at the members that would not wake us. Whether any is ready. */
bool
watch_look(struct watch *watch)
{
	bool ready = false;

	for (struct member *member = watch->members; member != NULL; member = member->next) {
		if (!member->armed)
			member_look(watch, member);
		ready |= member->found != 0 && !member->off;
	}
	watch_kick(watch);
	return ready;
}

/* Reads the news, and looks at the members that have some. Whether there was any. */
bool
watch_absorb(struct watch *watch)
{
	struct epoll_event news[16];
	int count = REAL(epoll_wait)(watch->news, news, 16, 0);

	for (int i = 0; i < count; i++) {
		struct member *member = news[i].data.ptr;

		session_drain(member->session);
		member->armed = false;
		member_look(watch, member);
	}
	return count > 0;
}

/* The member's way into its file, and its place among the news. 0, or an errno, and it is not ready but in error. */
int
member_join(struct watch *watch, struct member *member)
{
	struct epoll_event news = { .events = EPOLLIN, .data.ptr = member };
	struct session *session = session_take(member->file);
	int error;

	if (session == NULL)
		return errno;
	if (REAL(epoll_ctl)(watch->news, EPOLL_CTL_ADD, session->fd, &news) < 0) {
		error = errno;
		session_give(session);
		return error;
	}
	session_keep(session);
	member->session = session;
	member_look(watch, member);
	return 0;
}

/* The table's lock makes the list whole for a fork, which may come at any moment. */
void
member_insert(struct watch *watch, struct member *member)
{
	table_lock();
	member->next = watch->members;
	watch->members = member;
	table_unlock();
}

void
member_drop(struct watch *watch, struct member **place)
{
	struct member *member = *place;
	struct session *session = member->session;

	table_lock();
	*place = member->next;
	if (watch->turn == member)
		watch->turn = member->next;
	member->next = watch->former;
	watch->former = member;
	table_unlock();
	if (session == NULL)
		return;
	/* It is known there by its number; if that has changed since, or it is no longer there, only its end takes it out. */
	if (REAL(epoll_ctl)(watch->news, EPOLL_CTL_DEL, session->fd, NULL) < 0)
		session_close(session);
	session_give(session);
}

struct member *
member_new(struct watch *watch)
{
	struct member *member;

	table_lock();
	member = watch->former;
	if (member != NULL)
		watch->former = member->next;
	table_unlock();
	return member != NULL ? member : malloc(sizeof(*member));
}

/* One that is in no list, and has no descriptors yet. */
struct watch *
watch_new(void)
{
	struct watch *watch;

	table_lock();
	watch = free_watches;
	if (watch != NULL)
		free_watches = watch->next_free;
	table_unlock();
	if (watch != NULL || (watch = calloc(1, sizeof(*watch))) == NULL)
		return watch;
	pthread_mutex_init(&watch->lock, NULL);
	watch->news = watch->kick = -1;
	table_lock();
	watch->next = all_watches;
	all_watches = watch;
	table_unlock();
	return watch;
}

struct watch *
watch_first(void)
{
	struct watch *watch;

	table_lock();
	watch = all_watches;
	table_unlock();
	return watch;
}

void
watch_free(struct watch *watch)
{
	table_lock();
	watch->next_free = free_watches;
	free_watches = watch;
	table_unlock();
}

/* The last descriptor of this process that was the set has gone. Other processes may have it yet. */
static void
watch_close(struct watch *watch)
{
	int cancel = cancel_off();

	watch_enter(watch);
	while (watch->members != NULL)
		member_drop(watch, &watch->members);
	if (watch->kicked)
		atomic_fetch_sub(&watches_kicked, 1);
	watch->kicked = false;
	table_unhide(&watch->kick);
	table_unhide(&watch->news);
	watch_leave(watch);
	watch_free(watch);
	cancel_restore(cancel);
}

/* The file is closed: it leaves the sets it is in. */
void
watch_forget(struct file *file)
{
	for (struct watch *watch = watch_first(); watch != NULL; watch = watch->next) {
		/* Most sets have nothing to do with it. A glance without the lock suffices: its members are no longer made. */
		if (watch->members == NULL)
			continue;
		watch_enter(watch);
		for (struct member **place = &watch->members; *place != NULL;) {
			if ((*place)->file == file)
				member_drop(watch, place);
			else
				place = &(*place)->next;
		}
		watch_kick(watch);
		watch_leave(watch);
	}
}

/* Numbers that stand, or have stood, in some set. */
static _Atomic(uint64_t) added[SHIM_DESCRIPTORS / 64];
static atomic_bool nested;		/* one of our sets stands in another */

void
watch_added(int fd)
{
	if ((unsigned int)fd >= SHIM_DESCRIPTORS)
		return;
	atomic_fetch_or_explicit(&added[fd / 64], UINT64_C(1) << fd % 64, memory_order_relaxed);
	if (table_watch(fd) != NULL)
		atomic_store(&nested, true);
}

void
watch_made(int epoll)
{
	if ((atomic_load(&added[epoll / 64]) >> epoll % 64 & 1) != 0)
		atomic_store(&nested, true);
}

/* Before a wait for a set of which we do not know whether it holds one of ours: what is no longer ready says so no more. */
void
watch_settle_outer(void)
{
	int cancel;

	if (atomic_load_explicit(&watches_kicked, memory_order_relaxed) == 0 || !atomic_load_explicit(&nested, memory_order_relaxed))
		return;
	cancel = cancel_off();

	for (struct watch *watch = inside == 0 ? watch_first() : NULL; watch != NULL; watch = watch->next) {
		if (!watch->kicked)
			continue;
		watch_enter(watch);
		if (watch->news >= 0) {
			watch_absorb(watch);
			watch_look(watch);
		}
		watch_leave(watch);
	}
	cancel_restore(cancel);
}

/*
 * In a child: the program's sets are shared with the parent, whose news stay in them. The members are the child's as well; they
 * get news of their own once the child uses the set.
 */
void
watch_after_fork(void)
{
	atomic_store(&watches_kicked, 0);
	late_files = NULL;	/* nothing holds them: they end with the files of threads that are not here */
	for (struct watch *watch = all_watches; watch != NULL; watch = watch->next) {
		pthread_mutex_init(&watch->lock, NULL);
		watch->kicked = false;
		table_unhide(&watch->kick);
		table_unhide(&watch->news);
		for (struct member *member = watch->members; member != NULL; member = member->next) {
			member->session = NULL;
			member->armed = false;
			member->found = 0;
		}
	}
}
