/* epoll sets that several threads use at once: sets TEST. Each test runs in a process of its own. */
#include "check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>

#define ROUNDS	500

static int set;
static atomic_int ready;
static atomic_bool stop;

static void *
join(void *port)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = port };

	/* Spinning: whoever sleeps comes too late. */
	for (int i = atomic_fetch_add(&ready, 1); i < 1000000 && ready < 2; i++)
		;
	CHECK(epoll_ctl(set, EPOLL_CTL_ADD, ((struct port *)port)->fd, &event) == 0);
	return NULL;
}

/* Two threads put the first two files into a set at the same moment: it tells of both. */
static void
joins(void)
{
	struct port from[2] = { open_port("js{1", 0), open_port("js{2", 0) }, to[2] = { open_port("js}1", 0), open_port("js}2", 0) };

	for (uint32_t i = 0; i < ROUNDS; i++) {
		pthread_t threads[2];
		struct epoll_event got;

		set = epoll_create1(0);
		ready = 0;
		for (int k = 0; k < 2; k++)
			CHECK(pthread_create(&threads[k], NULL, join, &to[k]) == 0);
		for (int k = 0; k < 2; k++)
			CHECK(pthread_join(threads[k], NULL) == 0);
		for (int k = 0; k < 2; k++) {
			send_one(&from[k], i);
			CHECK(epoll_wait(set, &got, 1, 10000) == 1 && got.data.ptr == &to[k]);
			CHECK(take_all(&to[k], i) == 1 && ioctl(to[k].fd, NIOCRXSYNC, NULL) == 0);
		}
		CHECK(close(set) == 0);
	}
}

static void *
wait_on(void *known)
{
	while (!stop) {
		struct epoll_event got;

		if (epoll_wait(set, &got, 1, 1) == 1)
			CHECK(got.data.ptr == known);
	}
	return NULL;
}

/* A file leaves the set at the very moment at which its news arrive: whoever waits is told of what it knows, or of nothing. */
static void
leaves(void)
{
	struct port from = open_port("js{1", 0), to = open_port("js}1", 0);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = &to };
	pthread_t waiters[2];

	set = epoll_create1(0);
	for (int k = 0; k < 2; k++)
		CHECK(pthread_create(&waiters[k], NULL, wait_on, &to) == 0);
	for (uint32_t i = 0; i < 40 * ROUNDS; i++) {
		CHECK(epoll_ctl(set, EPOLL_CTL_ADD, to.fd, &event) == 0);
		send_one(&from, i);
		CHECK(epoll_ctl(set, EPOLL_CTL_DEL, to.fd, NULL) == 0);
		CHECK(ioctl(to.fd, NIOCRXSYNC, NULL) == 0 && take_all(&to, i) == 1);
	}
	stop = true;
	for (int k = 0; k < 2; k++)
		CHECK(pthread_join(waiters[k], NULL) == 0);
}

static const struct test tests[] = {
	TEST(joins), TEST(leaves),
};

int
main(int argc, char **argv)
{
	return RUN_TEST(tests, argc > 1 ? argv[1] : NULL);
}
