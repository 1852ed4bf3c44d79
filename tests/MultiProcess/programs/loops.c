/* Event loops: epoll sets that are duplicated, polled, nested, inherited: loops TEST. Each test runs in a process of its own. */
#include "check.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>

#define MASTER	"lp{1"
#define SLAVE	"lp}1"
#define DATA	0x1122334455667788

static void
put_in(int set, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event event = { .events = events, .data.u64 = data };

	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0);
}

static void
tells(int set, uint64_t data)
{
	struct epoll_event got[4];

	CHECK(epoll_wait(set, got, 4, 10000) == 1 && got[0].events == EPOLLIN && got[0].data.u64 == data);
}

static void
is_silent(int set)
{
	struct epoll_event got[4];

	CHECK(epoll_wait(set, got, 4, 0) == 0 && epoll_wait(set, got, 4, 5) == 0);
}

static void
drain(struct port *port, uint32_t number)
{
	CHECK(take_all(port, number) == 1 && ioctl(port->fd, NIOCRXSYNC, NULL) == 0);
}

/* However a set is duplicated, before or after it holds a port, each number is the set: the data are the program's own. */
static void
duplicates(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	int set = epoll_create1(0), numbers[6], early = dup(set);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 1 };

	CHECK(early >= 0);
	put_in(set, b.fd, EPOLLIN, DATA);
	numbers[0] = dup(set);
	numbers[1] = dup2(set, 300);
	numbers[2] = dup3(set, 301, O_CLOEXEC);
	numbers[3] = fcntl(set, F_DUPFD, 310);
	numbers[4] = fcntl(set, F_DUPFD_CLOEXEC, 320);
	numbers[5] = dup(numbers[4]);
	for (uint32_t i = 0; i < 6; i++) {
		CHECK(numbers[i] >= 0);
		is_silent(numbers[i]);
		send_one(&a, i);
		tells(numbers[i], DATA);
		tells(set, DATA);
		drain(&b, i);
		REFUSED(epoll_ctl(numbers[i], EPOLL_CTL_ADD, b.fd, &event), EEXIST);
	}
	/* A number from before it held one. */
	send_one(&a, 6);
	tells(early, DATA);
	drain(&b, 6);
	REFUSED(epoll_ctl(early, EPOLL_CTL_ADD, b.fd, &event), EEXIST);
	CHECK(close(early) == 0);
	/* Which of them goes is all the same, as long as one is left. */
	CHECK(close(set) == 0);
	for (uint32_t i = 0; i < 5; i++) {
		CHECK(close(numbers[i]) == 0);
		send_one(&a, 7 + i);
		tells(numbers[5], DATA);
		drain(&b, 7 + i);
	}
	event.data.u64 = 2;
	CHECK(epoll_ctl(numbers[5], EPOLL_CTL_MOD, b.fd, &event) == 0);
	send_one(&a, 12);
	tells(numbers[5], 2);
	CHECK(epoll_ctl(numbers[5], EPOLL_CTL_DEL, b.fd, NULL) == 0);
	is_silent(numbers[5]);
}

static int
is_readable(int fd, int how, int milliseconds)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	struct epoll_event event = { .events = EPOLLIN };
	fd_set reading;
	int outer, result;

	switch (how) {
	case 0:
		return poll(&poller, 1, milliseconds) == 1 && poller.revents == POLLIN;
	case 1:
		return ppoll(&poller, 1, &time, NULL) == 1 && poller.revents == POLLIN;
	case 2:
		FD_ZERO(&reading);
		FD_SET(fd, &reading);
		return pselect(fd + 1, &reading, NULL, NULL, &time, NULL) == 1 && FD_ISSET(fd, &reading);
	default:
		outer = epoll_create1(0);
		CHECK(epoll_ctl(outer, EPOLL_CTL_ADD, fd, &event) == 0);
		result = epoll_wait(outer, &event, 1, milliseconds);
		CHECK(close(outer) == 0);
		return result == 1;
	}
}

static void *
send_later(void *argument)
{
	usleep(50000);
	send_one(argument, 1);
	return NULL;
}

/* A loop in another one: the set is readable for poll, select and epoll while a port in it is ready, and no longer. */
static void
polled(void)
{
	for (int how = 0; how < 4; how++) {
		struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
		int set = epoll_create1(0), events = eventfd(0, EFD_NONBLOCK);
		pthread_t sender;
		uint64_t number = 1;

		put_in(set, b.fd, EPOLLIN, DATA);
		put_in(set, events, EPOLLIN, 5);
		CHECK(!is_readable(set, how, 0) && !is_readable(set, how, 5));
		send_one(&a, 0);
		for (int i = 0; i < 3; i++) {
			CHECK(is_readable(set, how, i == 0 ? 10000 : 0));
			tells(set, DATA);
		}
		drain(&b, 0);
		CHECK(!is_readable(set, how, 0) && !is_readable(set, how, 5));
		CHECK(pthread_create(&sender, NULL, send_later, &a) == 0);
		CHECK(is_readable(set, how, 10000));
		CHECK(pthread_join(sender, NULL) == 0);
		tells(set, DATA);
		drain(&b, 1);
		CHECK(!is_readable(set, how, 0));
		/* Other descriptors in it count as ever. */
		CHECK(write(events, &number, sizeof(number)) == sizeof(number) && is_readable(set, how, 0));
		tells(set, 5);
		close_port(&a);
		close_port(&b);
		CHECK(close(set) == 0 && close(events) == 0);
	}
}

/* The set is in another one before it holds a port, and that one is in a third: all are told, however often. */
static void
nested(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	int inner = epoll_create1(0), middle = epoll_create1(0), outer = epoll_create1(0);
	pthread_t sender;

	put_in(outer, middle, EPOLLIN, 3);
	put_in(middle, inner, EPOLLIN, 2);
	put_in(inner, b.fd, EPOLLIN, 1);
	is_silent(outer);
	for (uint32_t i = 0; i < 5; i++) {
		CHECK(pthread_create(&sender, NULL, send_later, &a) == 0);
		for (int again = 0; again < 3; again++) {
			tells(outer, 3);
			tells(middle, 2);
			tells(inner, 1);
		}
		CHECK(pthread_join(sender, NULL) == 0);
		drain(&b, 1);
		is_silent(outer);
		is_silent(middle);
		is_silent(inner);
	}
}

/* With room for one event at a time, all that is ready takes turns: ports, and other descriptors. */
static void
turns(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0), c = open_port("lp{2", 0), d = open_port("lp}2", 0);
	int set = epoll_create1(0), events = eventfd(1, EFD_NONBLOCK), told[3] = { 0 };
	struct epoll_event got[2];

	put_in(set, b.fd, EPOLLIN, 0);
	put_in(set, d.fd, EPOLLIN, 1);
	put_in(set, events, EPOLLIN, 2);
	send_one(&a, 0);
	send_one(&c, 0);
	for (int i = 0; i < 600; i++) {
		CHECK(epoll_wait(set, got, 1, 10000) == 1 && got[0].events == EPOLLIN && got[0].data.u64 < 3);
		told[got[0].data.u64]++;
	}
	CHECK(told[0] >= 100 && told[1] >= 100 && told[2] >= 100);
	told[0] = told[1] = told[2] = 0;
	for (int i = 0; i < 300; i++) {
		int count = epoll_wait(set, got, 2, 10000);

		CHECK(count == 2 && got[0].data.u64 != got[1].data.u64);
		told[got[0].data.u64]++;
		told[got[1].data.u64]++;
	}
	CHECK(told[0] >= 100 && told[1] >= 100 && told[2] >= 100);
}

/* A daemon makes its set first and forks then: the child's set works, be the parent there or not. */
static void
inherited(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	int set = epoll_create1(0), events = eventfd(0, EFD_NONBLOCK), done[2];
	uint64_t number = 1;
	char byte;
	pid_t child;

	put_in(set, b.fd, EPOLLIN, DATA);
	put_in(set, events, EPOLLIN, 5);
	send_one(&a, 0);
	tells(set, DATA);
	drain(&b, 0);
	/* The parent has the set, and does not use it. */
	child = fork();
	if (child == 0) {
		for (uint32_t i = 0; i < 3; i++) {
			is_silent(set);
			send_one(&a, 1 + i);
			tells(set, DATA);
			CHECK(is_readable(set, 0, 0));
			drain(&b, 1 + i);
		}
		CHECK(write(events, &number, sizeof(number)) == sizeof(number));
		tells(set, 5);
		CHECK(read(events, &number, sizeof(number)) == sizeof(number));
		_exit(0);
	}
	wait_for(child);
	is_silent(set);
	CHECK(pipe(done) == 0);
	/* The parent ends. */
	child = fork();
	if (child == 0) {
		child = fork();
		if (child != 0)
			_exit(0);
		usleep(20000);
		for (uint32_t i = 0; i < 3; i++) {
			is_silent(set);
			send_one(&a, 4 + i);
			tells(set, DATA);
			drain(&b, 4 + i);
		}
		CHECK(write(done[1], "x", 1) == 1);
		_exit(0);
	}
	wait_for(child);
	CHECK(close(done[1]) == 0 && read(done[0], &byte, 1) == 1);
	/* And here it works as before. */
	send_one(&a, 7);
	tells(set, DATA);
}

/* A set that another process passes on: what is in it beside ports works, and nothing comes that the program has not put there. */
static void
passed(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	int set = epoll_create1(0), events = eventfd(0, EFD_NONBLOCK), sockets[2];
	uint64_t number = 1;
	pid_t child;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	child = fork();
	if (child == 0) {
		struct epoll_event got[4];
		int mine = receive(sockets[1]);

		CHECK(epoll_wait(mine, got, 4, 50) == 0);
		CHECK(write(events, &number, sizeof(number)) == sizeof(number));
		CHECK(epoll_wait(mine, got, 4, 10000) == 1 && got[0].data.u64 == 5);
		_exit(0);
	}
	put_in(set, b.fd, EPOLLIN, DATA);
	put_in(set, events, EPOLLIN, 5);
	is_silent(set);
	send_one(&a, 0);
	pass(sockets[0], set);
	wait_for(child);
}

static const struct test tests[] = {
	TEST(duplicates), TEST(polled), TEST(nested), TEST(turns), TEST(inherited), TEST(passed),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
