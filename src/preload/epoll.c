/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * epoll sets with netmap files in them. For each such file a session's socket stands in the set; it becomes readable when
 * the server has news, and then the shim looks whether what the program waits for is there. Level-triggered files are
 * looked at before each wait; edge-triggered ones after news only.
 */
#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

struct member {
	struct member *next;
	struct file *file;
	int fd;				/* as the program named it */
	struct session *session;	/* ours alone while we are a member */
	struct epoll_event wanted;
	bool armed;			/* the server will wake us */
	bool off;			/* one-shot, and delivered */
	uint32_t found;			/* ready, and not delivered yet */
};

struct watch {
	struct watch *next, *next_free;
	pthread_mutex_t lock;
	struct member *members;
	struct member *former;		/* for use again, never freed: a thread that waits may have been told of one */
	int epoll;
	int kick;			/* in the set too: a member became ready while another thread waits */
};

static pthread_mutex_t watches_lock = PTHREAD_MUTEX_INITIALIZER;
static struct watch *watches, *free_watches;

#define EVENTS	(EPOLLIN | EPOLLRDNORM | EPOLLOUT | EPOLLWRNORM | EPOLLERR)

static uint32_t
sync_member(struct member *member, bool arm, uint32_t events)
{
	uint64_t done = session_sync(member->session, NMS_OP_POLL, arm ? NMS_FLAG_ARM : 0, events);

	return NMS_FOUND(done) & EVENTS;
}

/* Looks, and has the server wake us if there is nothing. */
static void
look(struct member *member)
{
	if (member->off)
		return;
	member->found = sync_member(member, true, member->wanted.events & EVENTS);
	member->armed = member->found == 0;
	/* Edge: the next news counts, however ready the rings are now. */
	if (member->found != 0 && (member->wanted.events & EPOLLET) != 0) {
		sync_member(member, true, 0);
		member->armed = true;
	}
}

static struct member **
find(struct watch *watch, int fd)
{
	struct member **place = &watch->members;

	while (*place != NULL && (*place)->fd != fd)
		place = &(*place)->next;
	return place;
}

static struct watch *
watch_new(void)
{
	struct watch *watch = free_watches;

	if (watch != NULL)
		free_watches = watch->next_free;
	else if ((watch = calloc(1, sizeof(*watch))) != NULL)
		pthread_mutex_init(&watch->lock, NULL);
	return watch;
}

/* The watch of a set, made now if no other thread was faster; NULL without memory, or for a number that the table has no place for. */
static struct watch *
watch_make(int epoll)
{
	struct watch *watch;
	struct epoll_event event = { .events = EPOLLIN };

	pthread_mutex_lock(&watches_lock);
	watch = table_watch(epoll);
	if (watch == NULL && (watch = watch_new()) != NULL) {
		watch->epoll = epoll;
		watch->members = NULL;
		watch->kick = -1;
		if (table_set_watch(epoll, watch)) {
			table_hide(&watch->kick, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
			event.data.ptr = watch;
			REAL(epoll_ctl)(epoll, EPOLL_CTL_ADD, watch->kick, &event);
			watch->next = watches;
			watches = watch;
		} else {
			watch->next_free = free_watches;
			free_watches = watch;
			watch = NULL;
		}
	}
	pthread_mutex_unlock(&watches_lock);
	return watch;
}

/* A thread that waits already does not look at new members: wake it if there is something to deliver. */
static void
kick(struct watch *watch, const struct member *member)
{
	uint64_t one = 1;

	if (member->found != 0)
		(void)!REAL(write)(watch->kick, &one, sizeof(one));
}

static void
retire(struct watch *watch, struct member *member)
{
	member->next = watch->former;
	watch->former = member;
}

static int
add(struct watch *watch, struct file *file, int fd, const struct epoll_event *event)
{
	struct member **place = find(watch, fd), *member;
	struct epoll_event real = { .events = EPOLLIN };

	if (*place != NULL) {
		errno = EEXIST;
		return -1;
	}
	member = watch->former;
	if (member != NULL)
		watch->former = member->next;
	else if ((member = malloc(sizeof(*member))) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	*member = (struct member){ .fd = fd, .wanted = *event };
	/* Membership is no reference: an epoll set does not keep a file open. */
	member->file = file;
	member->session = session_take(file);
	real.data.ptr = member;
	if (member->session == NULL || REAL(epoll_ctl)(watch->epoll, EPOLL_CTL_ADD, member->session->fd, &real) < 0) {
		int error = errno;

		if (member->session != NULL)
			session_give(member->session);
		retire(watch, member);
		errno = error;
		return -1;
	}
	*place = member;
	look(member);
	kick(watch, member);
	return 0;
}

static void
drop(struct watch *watch, struct member **place)
{
	struct member *member = *place;

	*place = member->next;
	/* It is known there by its number; if that has changed since, only its end takes it out. */
	if (REAL(epoll_ctl)(watch->epoll, EPOLL_CTL_DEL, member->session->fd, NULL) < 0)
		session_close(member->session);
	session_give(member->session);
	retire(watch, member);
}

static int
change(struct watch *watch, struct file *file, int operation, int fd, const struct epoll_event *event)
{
	struct member **place = find(watch, fd);

	if (operation == EPOLL_CTL_ADD)
		return add(watch, file, fd, event);
	if (*place == NULL) {
		errno = ENOENT;
		return -1;
	}
	if (operation == EPOLL_CTL_DEL) {
		drop(watch, place);
		return 0;
	}
	(*place)->wanted = *event;
	(*place)->off = false;
	look(*place);
	kick(watch, *place);
	return 0;
}

int
watch_control(int epoll, int operation, int fd, struct epoll_event *event)
{
	struct watch *watch = table_watch(epoll);
	struct file *file;
	int result;

	if (event == NULL && operation != EPOLL_CTL_DEL) {
		errno = EFAULT;
		return -1;
	}
	if (watch == NULL && (operation != EPOLL_CTL_ADD || (watch = watch_make(epoll)) == NULL)) {
		errno = operation == EPOLL_CTL_ADD ? ENOMEM : ENOENT;
		return -1;
	}
	file = file_get(fd);
	if (file == NULL) {
		errno = EBADF;
		return -1;
	}
	pthread_mutex_lock(&watch->lock);
	result = change(watch, file, operation, fd, event);
	pthread_mutex_unlock(&watch->lock);
	/* Not under the lock: the last reference takes the file out of all sets. */
	file_put(file);
	return result;
}

/* What is ready goes to the program. */
static int
deliver(struct watch *watch, struct epoll_event *events, int count)
{
	int delivered = 0;

	for (struct member *member = watch->members; member != NULL && delivered < count; member = member->next) {
		if (member->found == 0 || member->off)
			continue;
		events[delivered++] = (struct epoll_event){ .events = member->found, .data = member->wanted.data };
		member->found = 0;
		member->off = (member->wanted.events & EPOLLONESHOT) != 0;
	}
	return delivered;
}

static struct member *
find_member(struct member *list, const void *member)
{
	while (list != NULL && list != member)
		list = list->next;
	return list;
}

/* Sorts the kernel's events: the program's own stay, ours say which members have news. */
static int
sort(struct watch *watch, struct epoll_event *events, int count)
{
	int kept = 0;

	for (int i = 0; i < count; i++) {
		struct member *member = find_member(watch->members, events[i].data.ptr);
		uint64_t number;

		if (events[i].data.ptr == watch) {
			(void)!REAL(read)(watch->kick, &number, sizeof(number));
			continue;
		}
		if (member == NULL) {
			/* One that another thread has just taken out is nobody's. */
			if (find_member(watch->former, events[i].data.ptr) == NULL)
				events[kept++] = events[i];
			continue;
		}
		session_drain(member->session);
		member->armed = false;
		look(member);
	}
	return kept;
}

/* Rounded up, as a wait must not end before its time; as many as there can be; -1 for ever. */
static int
milliseconds(int64_t ns)
{
	return ns < 0 ? -1 : ns < INT_MAX * (int64_t)1000000 ? (int)((ns + 999999) / 1000000) : INT_MAX;
}

int
watch_wait(struct watch *watch, int epoll, struct epoll_event *events, int count, int64_t timeout_ns, const sigset_t *mask)
{
	int64_t deadline = timeout_ns < 0 ? 0 : now_ns() + timeout_ns;
	int cancel = cancel_off();

	for (;;) {
		int64_t rest = timeout_ns < 0 ? -1 : deadline - now_ns();
		bool ready = false;
		int found;

		pthread_mutex_lock(&watch->lock);
		for (struct member *member = watch->members; member != NULL; member = member->next) {
			if (!member->armed && member->found == 0)
				look(member);
			ready |= member->found != 0 && !member->off;
		}
		pthread_mutex_unlock(&watch->lock);
		if (ready || (timeout_ns >= 0 && rest < 0))
			rest = 0;
		cancel_restore(cancel);
		found = REAL(epoll_pwait)(epoll, events, count, milliseconds(rest), mask);
		cancel_off();
		if (found < 0 && !ready)
			break;
		pthread_mutex_lock(&watch->lock);
		found = found < 0 ? 0 : sort(watch, events, found);
		found += deliver(watch, events + found, count - found);
		pthread_mutex_unlock(&watch->lock);
		if (found > 0 || (rest == 0 && !ready)) {
			cancel_restore(cancel);
			return found;
		}
	}
	cancel_restore(cancel);
	return -1;
}

void
watch_close(struct watch *watch)
{
	int kick, cancel = cancel_off();

	pthread_mutex_lock(&watches_lock);
	for (struct watch **place = &watches; *place != NULL; place = &(*place)->next) {
		if (*place == watch) {
			*place = watch->next;
			break;
		}
	}
	pthread_mutex_lock(&watch->lock);
	while (watch->members != NULL)
		drop(watch, &watch->members);
	table_lock();
	kick = table_reveal(&watch->kick);
	table_unlock();
	REAL(close)(kick);
	pthread_mutex_unlock(&watch->lock);
	watch->next_free = free_watches;
	free_watches = watch;
	pthread_mutex_unlock(&watches_lock);
	cancel_restore(cancel);
}

/* The file is closed: it leaves the sets it is in. */
void
watch_forget(struct file *file)
{
	pthread_mutex_lock(&watches_lock);
	for (struct watch *watch = watches; watch != NULL; watch = watch->next) {
		pthread_mutex_lock(&watch->lock);
		for (struct member **place = &watch->members; *place != NULL;) {
			if ((*place)->file == file)
				drop(watch, place);
			else
				place = &(*place)->next;
		}
		pthread_mutex_unlock(&watch->lock);
	}
	pthread_mutex_unlock(&watches_lock);
}

/* In a child: the sets are shared with the parent, whose sessions stay in them; the child has none, and knows them when it is told of one. */
void
watch_after_fork(void)
{
	pthread_mutex_init(&watches_lock, NULL);
	for (struct watch *watch = watches; watch != NULL; watch = watch->next) {
		pthread_mutex_init(&watch->lock, NULL);
		while (watch->members != NULL) {
			struct member *member = watch->members;

			watch->members = member->next;
			retire(watch, member);
		}
	}
}
