/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Sessions: a socket for requests and a shared page for syncs, one thread at a time in each (docs/protocol.md).
 */
#include "shim.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SPIN_CREDIT	8
#define ANSWER_LINGERS	4	/* an answer is waited for so much longer than news: the server is at work on it */

static inline void
relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

static void
die(struct session *session, int error)
{
	if (session->dead == 0)
		session->dead = error;
}

int
message_send(int fd, uint16_t type, const struct iovec *parts, int part_count, const int *descriptors, int count)
{
	struct nms_header header = { .magic = NMS_MAGIC, .version = NMS_VERSION, .type = type };
	struct iovec all[8] = { { &header, sizeof(header) } };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(NMS_DESCRIPTORS_MAX * sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = all, .msg_iovlen = 1 + part_count };

	for (int i = 0; i < part_count; i++) {
		all[i + 1] = parts[i];
		header.length += parts[i].iov_len;
	}
	if (count > 0) {
		struct cmsghdr *rights;

		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		rights = CMSG_FIRSTHDR(&message);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
	}
	while (REAL(sendmsg)(fd, &message, MSG_NOSIGNAL) < 0) {
		if (errno != EINTR)
			return errno;
	}
	return 0;
}

/* Receives one message; at most two descriptors come along. Returns the length after the header, or -1 with errno. */
static ssize_t
message_receive(int fd, struct nms_header *header, void *rest, size_t size, int *descriptors, int flags)
{
	struct iovec parts[2] = { { header, sizeof(*header) }, { rest, size } };
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(2 * sizeof(int))];
	} control;
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof(control) };
	int got[2] = { -1, -1 };
	ssize_t length;

	do
		length = REAL(recvmsg)(fd, &message, flags | MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); length >= 0 && c != NULL; c = CMSG_NXTHDR(&message, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			memcpy(got, CMSG_DATA(c), c->cmsg_len - CMSG_LEN(0));
	}
	for (int i = 0; i < 2; i++) {
		if (descriptors != NULL)
			descriptors[i] = got[i];
		else if (got[i] >= 0)
			REAL(close)(got[i]);
	}
	if (length < 0)
		return -1;
	if (length < (ssize_t)sizeof(*header) || header->magic != NMS_MAGIC) {
		errno = EIO;	/* the end of the connection, too */
		return -1;
	}
	return length - (ssize_t)sizeof(*header);
}

/* Why the server gives no session: one that grants no more files says so on the connection, and closes it. */
static int
refusal(int connection, int error)
{
	struct nms_header header;
	char words[256];

	/* The first try tells of the reset, the second what was said before it; which stays, for whoever asks next. */
	for (int i = 0; i < 2; i++) {
		if (message_receive(connection, &header, words, sizeof(words), NULL, MSG_DONTWAIT | MSG_PEEK) >= 0 && header.result != 0)
			return (int)header.result;
	}
	return error == EPIPE || error == ECONNRESET ? EIO : error;
}

/* Sends one end of a socketpair; the page's memory and the doorbell come back by the other. 0 or an errno. */
static int
attach(struct session *session, int connection, int end, struct nms_attached *attached, int got[2])
{
	struct nms_header header;
	int error;

	/* In a child of a signal handler's the other end is gone, and the answer would be the parent's. */
	error = session->dead != 0 ? session->dead : message_send(connection, NMS_ATTACH, NULL, 0, &end, 1);
	REAL(close)(end);
	if (error == 0 && message_receive(session->fd, &header, attached, sizeof(*attached), got, 0) < 0)
		error = errno;
	if (session->dead != 0)
		return session->dead;
	if (error != 0)
		return refusal(connection, error);
	if (header.result != 0)
		return (int)header.result;
	/* What finds no room among our descriptors is dropped on the way. */
	return got[0] >= 0 && got[1] >= 0 ? 0 : EMFILE;
}

static int
session_open(struct session *session, int connection)
{
	struct nms_attached attached;
	int ends[2], got[2] = { -1, -1 }, error;
	void *page = MAP_FAILED;

	session->dead = 0;
	if (REAL(socketpair)(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return errno;
	/* First of all: what a fork finds there it closes. */
	table_hide(&session->fd, ends[0]);
	error = attach(session, connection, ends[1], &attached, got);
	if (error == 0 && (page = REAL(mmap)(NULL, NMS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, got[0], 0)) == MAP_FAILED)
		error = errno;
	if (got[0] >= 0)
		REAL(close)(got[0]);
	if (error != 0) {
		if (got[1] >= 0)
			REAL(close)(got[1]);
		table_unhide(&session->fd);
		return error;
	}
	table_hide(&session->doorbell, got[1]);
	session->page = page;
	session->sequence = 0;
	session->spin_ns = attached.spin_ns;
	session->yield_ns = attached.yield_ns;
	session->spin_credit = SPIN_CREDIT;
	session->news = false;
	return 0;
}

void
session_close(struct session *session)
{
	table_unhide(&session->fd);
	table_unhide(&session->doorbell);
	if (session->page != NULL)
		REAL(munmap)(session->page, NMS_PAGE_SIZE);
	session->page = NULL;
}

/*
 * In a child. A call that a signal handler of this thread interrupted, to fork in it, goes on here when the handler returns: on a page
 * that nobody looks at, to end with EINTR.
 */
void
session_after_fork(struct session *session)
{
	struct nms_page *page = session->page;

	if (session_is_mine(session)) {
		session->page = NULL;
		session->dead = EINTR;
	} else {
		atomic_store(&session->holder, NULL);
	}
	session_close(session);
	if (session->dead == EINTR && page != NULL) {
		REAL(mmap)(page, NMS_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		session->page = page;
	}
}

/* A session nobody is in, opened if need be. */
struct session *
session_take(struct file *file)
{
	for (int i = 0; i < SHIM_SESSIONS; i++) {
		struct session *session = &file->sessions[i];
		int error;

		void *free = NULL;

		/* Acquire: pairs with the release in session_give(); what the last thread left is seen. */
		if (atomic_load_explicit(&session->holder, memory_order_relaxed) != NULL ||
		    !atomic_compare_exchange_strong_explicit(&session->holder, &free, &shim_self, memory_order_acquire, memory_order_relaxed))
			continue;
		if (session->fd >= 0 && session->doorbell >= 0)
			return session;
		session_close(session);
		error = session_open(session, file->connection);
		if (error == 0)
			return session;
		session_give(session);
		/* A signal handler has forked, and this is the child: it begins anew. */
		if (error == EINTR) {
			i = -1;
			continue;
		}
		errno = error;
		return NULL;
	}
	errno = EMFILE;
	return NULL;
}

void
session_give(struct session *session)
{
	atomic_store_explicit(&session->holder, NULL, memory_order_release);
}

void
session_keep(struct session *session)
{
	static char set;

	atomic_store_explicit(&session->holder, &set, memory_order_relaxed);
}

bool
session_is_mine(const struct session *session)
{
	return atomic_load_explicit(&session->holder, memory_order_relaxed) == &shim_self;
}

/* Reads away wake-ups; sees whether the server is still there. */
void
session_drain(struct session *session)
{
	struct nms_header header;
	char rest[64];

	while (message_receive(session->fd, &header, rest, sizeof(rest), NULL, MSG_DONTWAIT) >= 0) {
		if (header.type == NMS_BYE)
			die(session, EIO);
		session->news |= header.type == NMS_WAKE;
	}
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		die(session, EIO);
}

static bool
answered(struct session *session, uint64_t *done)
{
	/* Acquire: pairs with the server's store of done; rings that the sync filled are seen. */
	*done = __atomic_load_n(&session->page->done, __ATOMIC_ACQUIRE);
	return NMS_SEQUENCE(*done) == session->sequence;
}

static void
sleep_until_answered(struct session *session, uint64_t *done)
{
	/* Full fences: either the server sees that we wait, or we see its answer. */
	__atomic_exchange_n(&session->page->waiting, 1, __ATOMIC_SEQ_CST);
	while (!answered(session, done) && session->dead == 0) {
		struct pollfd socket = { .fd = session->fd, .events = POLLIN };

		REAL(poll)(&socket, 1, -1);
		session_drain(session);
	}
	__atomic_store_n(&session->page->waiting, 0, __ATOMIC_RELEASE);
}

/*
 * Spins for an answer. Where the server has no CPU of its own, spinning only keeps it from running, and is left out: now and
 * then a try tells.
 */
static bool
spin(struct session *session, uint64_t *done)
{
	int64_t end;

	if (session->spin_credit <= 0 && (session->sequence & 63) != 0)
		return false;
	end = now_ns() + session->spin_ns;
	do {
		for (int i = 0; i < 16; i++) {
			if (answered(session, done)) {
				session->spin_credit = SPIN_CREDIT;
				return true;
			}
			relax();
		}
	} while (now_ns() < end);
	session->spin_credit--;
	return false;
}

static bool
yield(struct session *session, uint64_t *done)
{
	int64_t end = now_ns() + (int64_t)session->yield_ns * ANSWER_LINGERS;

	do {
		sched_yield();
		if (answered(session, done))
			return true;
	} while (now_ns() < end);
	return false;
}

static uint64_t
sync_once(struct session *session, unsigned int op, unsigned int flags, unsigned int events)
{
	struct nms_page *page = session->page;
	uint64_t done;

	if (session->dead != 0)
		return ((uint64_t)POLLERR << 16) | (unsigned int)session->dead;
	session->sequence++;
	/* Full fence: slots and ring indices are stored before; asleep is read after. */
	__atomic_exchange_n(&page->post, NMS_POST(session->sequence, op, flags, events), __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&page->asleep, __ATOMIC_SEQ_CST) != 0) {
		uint64_t one = 1;

		(void)!REAL(write)(session->doorbell, &one, sizeof(one));
	}
	if (!answered(session, &done) && !spin(session, &done) && !yield(session, &done))
		sleep_until_answered(session, &done);
	return NMS_SEQUENCE(done) == session->sequence ? done : ((uint64_t)POLLERR << 16) | (unsigned int)(session->dead != 0 ? session->dead : EIO);
}

/*
 * After an armed poll with NMS_FLAG_LINGER that found nothing: looks for its news for a while, letting others run, and then
 * says that it sleeps. True: there is news, look again. False: sleep on the socket, then call session_end_wait().
 */
bool
session_linger(struct session *session, int64_t deadline)
{
	struct nms_page *page = session->page;
	int64_t now = now_ns(), end = now + session->yield_ns;

	if (session->dead != 0)
		return false;
	if (deadline != 0 && end > deadline)
		end = deadline;
	do {
		/* Acquire, as all reads of news: pairs with the server's full fence after it moves them. */
		if (__atomic_load_n(&page->news, __ATOMIC_ACQUIRE) != session->seen)
			return true;
		sched_yield();
	} while (now_ns() < end);
	/* Full fence: either the server sees that we wait, or we see its news. */
	__atomic_exchange_n(&page->waiting, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&page->news, __ATOMIC_ACQUIRE) == session->seen)
		return false;
	session_end_wait(session);
	return true;
}

void
session_end_wait(struct session *session)
{
	__atomic_store_n(&session->page->waiting, 0, __ATOMIC_RELEASE);
}

int
session_ask(struct session *session, struct request *request)
{
	int error, got[2];

	if (session->dead != 0)
		return session->dead;
	error = message_send(session->fd, request->type, request->parts, request->part_count, request->descriptors,
	    request->descriptor_count);
	if (error != 0)
		return session->dead != 0 ? session->dead : error == EPIPE ? EIO : error;
	for (;;) {
		struct nms_header header;
		ssize_t length = message_receive(session->fd, &header, request->answer, request->answer_size, got, 0);

		if (length < 0 || header.type == NMS_BYE) {
			die(session, EIO);
			return session->dead;
		}
		if (header.type != request->type) {
			for (int i = 0; i < 2; i++) {
				if (got[i] >= 0)
					REAL(close)(got[i]);
			}
			continue;
		}
		request->answer_length = length;
		if (request->received != NULL)
			*request->received = got[0];
		else if (got[0] >= 0)
			REAL(close)(got[0]);
		if (got[1] >= 0)
			REAL(close)(got[1]);
		return header.result;
	}
}

/*
 * One sync through the page. Returns the word done: poll bits and errno. Whoever slept for the answer may have read away
 * the very news it armed for: then it looks once more, as nothing else would wake the caller.
 */
uint64_t
session_sync(struct session *session, unsigned int op, unsigned int flags, unsigned int events)
{
	uint64_t done;

	do {
		session->news = false;
		session->seen = __atomic_load_n(&session->page->news, __ATOMIC_ACQUIRE);
		done = sync_once(session, op, flags, events);
	} while ((flags & NMS_FLAG_ARM) != 0 && session->news && NMS_FOUND(done) == 0);
	return done;
}
