/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * epoll_ctl and epoll_wait on sets with netmap files in them. Level-triggered files are looked at before each wait; edge-triggered
 * ones after news only.
 */
#include "members.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Another process is told of its news through a set that we share, and has not looked yet: no need to ask all the time. */
static const struct timespec patience = { 0, 1000000 };

/* Closed in a way that we do not see, this number stands for another set: then the news are not in it. */
static bool
is_still(struct watch *watch, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = WATCH_NEWS };

	/* They are known there by their number; where that has changed since, nothing can be said. */
	return watch->news < 0 || watch->news != watch->known_as ||
	    REAL(epoll_ctl)(epoll, EPOLL_CTL_MOD, watch->news, &event) == 0;
}

/* Makes a descriptor of ours; 0 or an errno. */
static int
hide(int *place, int fd)
{
	if (fd < 0)
		return errno;
	table_hide(place, fd);
	return 0;
}

/* The set's descriptors of our own: of a new set, or of one that was made before this process was forked. 0 or an errno. */
static int
prepare(struct watch *watch, int epoll)
{
	struct epoll_event news = { .events = EPOLLIN, .data.u64 = WATCH_NEWS }, kick = { .events = EPOLLIN, .data.u64 = WATCH_KICK };
	int error;

	if (__builtin_expect(watch->news >= 0, 1))
		return 0;
	error = hide(&watch->news, REAL(epoll_create1)(EPOLL_CLOEXEC));
	if (error == 0)
		error = hide(&watch->kick, REAL(eventfd)(0, EFD_CLOEXEC | EFD_NONBLOCK));
	if (error == 0 && (REAL(epoll_ctl)(epoll, EPOLL_CTL_ADD, watch->news, &news) < 0 ||
	    REAL(epoll_ctl)(epoll, EPOLL_CTL_ADD, watch->kick, &kick) < 0))
		error = errno;
	if (error != 0) {
		table_unhide(&watch->kick);
		table_unhide(&watch->news);
		return error;
	}
	watch->known_as = watch->news;
	/* One that has no way into its file is an error of its own, as in poll(2). */
	for (struct member *member = watch->members; member != NULL; member = member->next)
		member_join(watch, member);
	watch_kick(watch);
	return 0;
}

/* A number that we have not seen becoming a set of which we know another one: it was duplicated before that held a port. */
static struct watch *
watch_find(int epoll)
{
	for (struct watch *watch = watch_first(); watch != NULL; watch = watch->next) {
		int count = atomic_load(&watch->references);

		if (count == 0 || watch->news < 0 || watch->news != watch->known_as || !is_still(watch, epoll))
			continue;
		if (atomic_compare_exchange_strong(&watch->references, &count, count + 1)) {
			if (table_set_watch(epoll, watch))
				return watch;
			watch_put(watch);
		}
	}
	return table_watch(epoll);
}

/* The watch of a set, made now if no other thread was faster; NULL with errno. */
static struct watch *
watch_make(int epoll)
{
	for (;;) {
		struct watch *watch = watch_find(epoll);
		int error;

		if (watch != NULL)
			return watch;
		watch = watch_new();
		if (watch == NULL) {
			errno = ENOMEM;
			return NULL;
		}
		watch_enter(watch);
		error = prepare(watch, epoll);
		watch_leave(watch);
		atomic_store(&watch->references, 1);
		if (error == 0 && table_set_watch(epoll, watch)) {
			watch_made(epoll);
			return watch;
		}
		watch_put(watch);
		if (error != 0 || table_watch(epoll) == NULL) {
			errno = error != 0 ? error : EMFILE;
			return NULL;
		}
	}
}

static int
add(struct watch *watch, struct file *file, int fd, const struct epoll_event *event)
{
	struct member *member;
	int error;

	if (*member_find(watch, file, fd) != NULL)
		return EEXIST;
	member = member_new(watch);
	if (member == NULL)
		return ENOMEM;
	*member = (struct member){ .fd = fd, .file = file, .wanted = *event };
	member_insert(watch, member);
	error = member_join(watch, member);
	if (error != 0)
		member_drop(watch, member_find(watch, file, fd));
	return error;
}

/* The kernel's own answer: of a set that is none, of a file that is not in it. */
static int
plain(int epoll, int operation, int fd, const struct epoll_event *event)
{
	return REAL(epoll_ctl)(epoll, operation, fd, (struct epoll_event *)event) < 0 ? errno : 0;
}

static int
change(struct watch *watch, struct file *file, int epoll, int operation, int fd, const struct epoll_event *event)
{
	struct member **place = member_find(watch, file, fd);

	if (operation == EPOLL_CTL_ADD)
		return add(watch, file, fd, event);
	if (*place == NULL)
		return plain(epoll, operation, fd, event);
	switch (operation) {
	case EPOLL_CTL_DEL:
		member_drop(watch, place);
		return 0;
	case EPOLL_CTL_MOD:
		(*place)->wanted = *event;
		(*place)->off = false;
		member_look(watch, *place);
		return 0;
	default:
		return EINVAL;
	}
}

static int
control(int epoll, int operation, struct file *file, int fd, const struct epoll_event *event)
{
	struct watch *watch = table_watch(epoll);
	int error;

	if (watch != NULL && !is_still(watch, epoll)) {
		table_forget(epoll, (uintptr_t)watch | ENTRY_WATCH);
		watch = NULL;
	}
	/* A netmap file is no set; one that was closed behind our back may be one by now. */
	if (is_file(epoll) && table_confirm(epoll))
		return EINVAL;
	if (watch == NULL) {
		watch = operation == EPOLL_CTL_ADD ? watch_make(epoll) : watch_find(epoll);
		if (watch == NULL)
			return operation == EPOLL_CTL_ADD ? errno : plain(epoll, operation, fd, event);
	}
	watch_enter(watch);
	error = prepare(watch, epoll);
	if (error == 0)
		error = change(watch, file, epoll, operation, fd, event);
	/* A thread that waits already does not look at new members. */
	if (watch->news >= 0)
		watch_kick(watch);
	watch_leave(watch);
	return error;
}

int
watch_control(int epoll, int operation, int fd, const struct epoll_event *event)
{
	struct file *file = file_get_sure(fd);
	struct epoll_event copy = { 0 };
	int error;

	if (file == NULL)
		return REAL(epoll_ctl)(epoll, operation, fd, (struct epoll_event *)event);
	error = operation == EPOLL_CTL_DEL ? 0 : copy_in(&copy, (uintptr_t)event, sizeof(copy));
	if (error == 0)
		error = control(epoll, operation, file, fd, &copy);
	file_put(file);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* What is ready goes to the program, beginning with the one that has waited longest. */
static int
deliver(struct watch *watch, struct epoll_event *events, int count)
{
	struct member *first = watch->turn != NULL ? watch->turn : watch->members, *member = first;
	int delivered = 0;

	while (member != NULL && delivered < count) {
		if (member->found != 0 && !member->off) {
			events[delivered++] = (struct epoll_event){ .events = member->found, .data = member->wanted.data };
			member->found = 0;
			member->off = (member->wanted.events & EPOLLONESHOT) != 0;
			watch->turn = member->next;
		}
		member = member->next != NULL ? member->next : watch->members;
		if (member == first)
			break;
	}
	return delivered;
}

/* Takes out what only we understand: how many are left, and whether there were news. */
static int
sort(struct epoll_event *events, int count, bool *news)
{
	int kept = 0;

	*news = false;
	for (int i = 0; i < count; i++) {
		*news |= events[i].data.u64 == WATCH_NEWS;
		if (!IS_WATCH(events[i]))
			events[kept++] = events[i];
	}
	return kept;
}

/* Rounded up, as a wait must not end before its time; as many as there can be; -1 for ever. */
static int
milliseconds(int64_t ns)
{
	return ns < 0 ? -1 : ns < INT_MAX * (int64_t)1000000 ? (int)((ns + 999999) / 1000000) : INT_MAX;
}

/* After the kernel's wait: its events, and those of members that are ready. *stranger: only another process's news were there. */
static int
collect(struct watch *watch, struct epoll_event *events, int found, int count, bool *stranger)
{
	bool news;
	int kept = sort(events, found, &news);

	watch_enter(watch);
	news = news && watch_absorb(watch);
	*stranger = kept == 0 && found > 0 && !news && !watch->kicked;
	kept += deliver(watch, events + kept, count - kept);
	watch_kick(watch);
	watch_leave(watch);
	return kept;
}

/* What is ready is in the kernel's answer, where there was room: else this may be another set. */
static bool
is_doubtful(const struct epoll_event *events, int found, int count)
{
	for (int i = 0; i < found; i++) {
		if (IS_WATCH(events[i]))
			return false;
	}
	return found >= 0 && found < count;
}

int
watch_wait(struct watch *watch, int epoll, struct epoll_event *events, int count, int64_t timeout_ns, const sigset_t *mask)
{
	int64_t deadline = timeout_ns < 0 ? 0 : now_ns() + timeout_ns;
	int cancel = cancel_off(), found;

	for (;;) {
		int64_t rest = timeout_ns < 0 ? -1 : deadline - now_ns();
		bool ready, stranger;
		int error;

		watch_enter(watch);
		error = prepare(watch, epoll);
		ready = error == 0 && watch_look(watch);
		watch_leave(watch);
		if (error != 0) {
			errno = error;
			found = -1;
			break;
		}
		if (ready || (timeout_ns >= 0 && rest < 0))
			rest = 0;
		if (rest != 0 && !is_still(watch, epoll)) {
			table_forget(epoll, (uintptr_t)watch | ENTRY_WATCH);
			found = REAL(epoll_pwait)(epoll, events, count, milliseconds(rest), mask);
			break;
		}
		cancel_restore(cancel);
		found = REAL(epoll_pwait)(epoll, events, count, milliseconds(rest), mask);
		cancel_off();
		if (found < 0 && !ready)
			break;
		if (ready && is_doubtful(events, found, count) && !is_still(watch, epoll)) {
			table_forget(epoll, (uintptr_t)watch | ENTRY_WATCH);
			break;
		}
		found = collect(watch, events, found < 0 ? 0 : found, count, &stranger);
		if (found > 0 || (rest == 0 && !ready))
			break;
		if (stranger)
			REAL(ppoll)(NULL, 0, &patience, NULL);
	}
	cancel_restore(cancel);
	return found;
}

/*
 * After a wait on a set that was none of ours when it began: it has become one, or another process's news stand in it. The time
 * begins anew.
 */
int
watch_wait_on(int epoll, struct epoll_event *events, int count, int found, int64_t timeout_ns, const sigset_t *mask)
{
	int64_t deadline = timeout_ns < 0 ? 0 : now_ns() + timeout_ns;

	for (;;) {
		bool news;
		int kept = found <= 0 ? found : sort(events, found, &news);
		int64_t rest = timeout_ns < 0 ? -1 : deadline - now_ns();
		struct watch *watch = found > 0 ? watch_find(epoll) : NULL;

		if (kept != 0 || found == 0)
			return kept;
		if (timeout_ns >= 0 && rest < 0)
			return 0;
		if (watch != NULL)
			return watch_wait(watch, epoll, events, count, rest, mask);
		REAL(ppoll)(NULL, 0, &patience, NULL);
		found = REAL(epoll_pwait)(epoll, events, count, milliseconds(rest), mask);
	}
}

void
watch_settle(struct watch *watch, int epoll)
{
	if (watch_inside())
		return;
	watch_enter(watch);
	if (prepare(watch, epoll) == 0) {
		watch_absorb(watch);
		watch_look(watch);
	}
	watch_leave(watch);
}
