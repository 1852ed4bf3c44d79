/* Waiting for packets: poll, select, epoll: waiting TEST. Each test runs in a process of its own. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define MASTER	"pp{1"
#define SLAVE	"pp}1"

static void
polls(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	int unbound = open("/dev/netmap", O_RDWR), ordinary[2];
	struct pollfd fds[3] = { { .fd = b.fd, .events = POLLIN }, { .fd = a.fd, .events = POLLOUT }, { .fd = unbound, .events = POLLIN } };
	char byte = 0;

	CHECK(poll(&fds[2], 1, -1) == 1 && fds[2].revents == POLLERR);
	CHECK(poll(fds, 1, 0) == 0 && poll(fds, 1, 20) == 0);
	CHECK(poll(fds, 2, -1) == 1 && fds[0].revents == 0 && fds[1].revents == POLLOUT);
	/* Waiting for input sends what is pending. */
	put(&a, 0);
	fds[1].events = POLLIN;
	CHECK(poll(&fds[1], 1, 0) == 0);
	CHECK(poll(fds, 1, -1) == 1 && fds[0].revents == POLLIN);
	CHECK(take_all(&b, 0) == 1);
	/* Beside an ordinary descriptor. */
	CHECK(pipe(ordinary) == 0);
	fds[1] = (struct pollfd){ .fd = ordinary[0], .events = POLLIN };
	CHECK(poll(fds, 2, 10) == 0);
	CHECK(write(ordinary[1], &byte, 1) == 1);
	CHECK(poll(fds, 2, -1) == 1 && fds[0].revents == 0 && fds[1].revents == POLLIN);
	send_one(&a, 1);
	CHECK(poll(fds, 2, -1) == 2 && fds[0].revents == POLLIN && fds[1].revents == POLLIN);
	CHECK(take_all(&b, 1) == 1);
}

static void *
send_later(void *argument)
{
	usleep(50000);
	send_one(argument, 0);
	return NULL;
}

/* A thread sleeps in poll, select or epoll_wait until another one sends; the longest time there is is for ever, too. */
static void
wakes(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct pollfd fd = { .fd = b.fd, .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x1234567890 };
	struct timespec longest = { INT64_MAX, 0 };
	int epoll = epoll_create1(0);
	pthread_t sender;
	fd_set set;

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, b.fd, &event) == 0);
	for (int how = 0; how < 5; how++) {
		FD_ZERO(&set);
		FD_SET(b.fd, &set);
		CHECK(pthread_create(&sender, NULL, send_later, &a) == 0);
		if (how == 0)
			CHECK(poll(&fd, 1, 10000) == 1 && fd.revents == POLLIN);
		else if (how == 1)
			CHECK(select(b.fd + 1, &set, NULL, NULL, NULL) == 1 && FD_ISSET(b.fd, &set));
		else if (how == 2)
			CHECK(epoll_wait(epoll, &event, 1, -1) == 1 && event.events == EPOLLIN && event.data.u64 == 0x1234567890);
		else if (how == 3)
			CHECK(ppoll(&fd, 1, &longest, NULL) == 1 && fd.revents == POLLIN);
		else
			CHECK(epoll_pwait2(epoll, &event, 1, &longest, NULL) == 1 && event.data.u64 == 0x1234567890);
		CHECK(pthread_join(sender, NULL) == 0);
		CHECK(take_all(&b, 0) == 1);
	}
}

static void
selects(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct timeval time = { 0, 20000 };
	struct timespec nothing = { 0, 0 }, wrong = { 0, 1000000000 };
	fd_set reading, writing;

	FD_ZERO(&reading);
	FD_ZERO(&writing);
	FD_SET(b.fd, &reading);
	REFUSED(pselect(b.fd + 1, &reading, NULL, NULL, &wrong, NULL), EINVAL);
	CHECK(select(b.fd + 1, &reading, NULL, NULL, &time) == 0 && !FD_ISSET(b.fd, &reading));
	CHECK(time.tv_sec == 0 && time.tv_usec == 0);
	FD_SET(b.fd, &reading);
	FD_SET(a.fd, &writing);
	CHECK(pselect((a.fd > b.fd ? a.fd : b.fd) + 1, &reading, &writing, NULL, NULL, NULL) == 1);
	CHECK(!FD_ISSET(b.fd, &reading) && FD_ISSET(a.fd, &writing));
	send_one(&a, 0);
	FD_SET(b.fd, &reading);
	CHECK(pselect(b.fd + 1, &reading, NULL, NULL, &nothing, NULL) == 1 && FD_ISSET(b.fd, &reading));
	CHECK(take_all(&b, 0) == 1);
}

static void
epolls(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct epoll_event level = { .events = EPOLLIN, .data.u32 = 7 }, got[4];
	int epoll = epoll_create1(0), ordinary[2];

	CHECK(pipe(ordinary) == 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, b.fd, &level) == 0);
	REFUSED(epoll_ctl(epoll, EPOLL_CTL_ADD, b.fd, &level), EEXIST);
	REFUSED(epoll_ctl(epoll, EPOLL_CTL_MOD, a.fd, &level), ENOENT);
	REFUSED(epoll_ctl(epoll, EPOLL_CTL_DEL, a.fd, NULL), ENOENT);
	level.data.u32 = 8;
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ordinary[0], &level) == 0);
	CHECK(epoll_wait(epoll, got, 4, 0) == 0 && epoll_wait(epoll, got, 4, 10) == 0);
	send_one(&a, 0);
	/* Level: again and again, until it is read. */
	for (int i = 0; i < 3; i++)
		CHECK(epoll_wait(epoll, got, 4, -1) == 1 && got[0].events == EPOLLIN && got[0].data.u32 == 7);
	CHECK(write(ordinary[1], "x", 1) == 1);
	CHECK(epoll_wait(epoll, got, 4, -1) == 2 && got[0].data.u32 + got[1].data.u32 == 15);
	CHECK(take_all(&b, 0) == 1);
	CHECK(epoll_wait(epoll, got, 4, -1) == 1 && got[0].data.u32 == 8);
	/* The other end: output is ready at once. */
	level = (struct epoll_event){ .events = EPOLLOUT | EPOLLONESHOT, .data.u32 = 9 };
	CHECK(epoll_ctl(epoll, EPOLL_CTL_DEL, ordinary[0], NULL) == 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, a.fd, &level) == 0);
	CHECK(epoll_wait(epoll, got, 4, -1) == 1 && got[0].events == EPOLLOUT && got[0].data.u32 == 9);
	CHECK(epoll_wait(epoll, got, 4, 10) == 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_MOD, a.fd, &level) == 0);
	CHECK(epoll_wait(epoll, got, 4, -1) == 1);
	/* A closed file leaves the set. */
	send_one(&a, 0);
	close_port(&b);
	CHECK(epoll_wait(epoll, got, 4, 10) == 0);
	CHECK(close(epoll) == 0);
}

static void
edges(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct epoll_event edge = { .events = EPOLLIN | EPOLLET }, got;
	int epoll = epoll_create1(0);

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, b.fd, &edge) == 0);
	CHECK(epoll_wait(epoll, &got, 1, 10) == 0);
	for (uint32_t i = 0; i < 100; i++) {
		send_one(&a, i);
		CHECK(epoll_wait(epoll, &got, 1, -1) == 1 && got.events == EPOLLIN);
		/* Not read: no edge without news. */
		CHECK(epoll_wait(epoll, &got, 1, 0) == 0);
	}
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
	CHECK(take_all(&b, 0) == 100);
	send_one(&a, 100);
	CHECK(epoll_wait(epoll, &got, 1, -1) == 1);
}

static void
ignore(int signal)
{
	(void)signal;
}

static void
signals(void)
{
	struct port b = open_port(SLAVE, 0);
	struct pollfd fd = { .fd = b.fd, .events = POLLIN };
	struct sigaction action = { .sa_handler = ignore };

	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	alarm(1);
	REFUSED(poll(&fd, 1, -1), EINTR);
}

static const struct test tests[] = {
	TEST(polls), TEST(wakes), TEST(selects), TEST(epolls), TEST(edges), TEST(signals),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
