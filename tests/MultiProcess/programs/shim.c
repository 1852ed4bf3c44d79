/* Netmap as a C program sees it on a server: shim TEST [ARGUMENT]. Each test runs in a process of its own. */
#include "check.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define MASTER	"pp{1"
#define SLAVE	"pp}1"

static void
requests(void)
{
	struct nmreq_header header = { .nr_version = 10, .nr_reqtype = NETMAP_REQ_REGISTER };
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC };
	int fd = open("/dev/netmap", O_RDWR);
	char byte;

	CHECK(fd >= 0);
	header.nr_body = (uintptr_t)&reg;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EINVAL);
	REFUSED(ioctl(fd, NIOCCTRL, NULL), EINVAL);
	REFUSED(ioctl(fd, NIOCCTRL, (void *)8), EFAULT);
	REFUSED(ioctl(fd, NIOCREGIF, (void *)8), EFAULT);
	header.nr_version = NETMAP_API;
	header.nr_body = 8;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EFAULT);
	header.nr_body = (uintptr_t)&reg;
	header.nr_options = 8;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EFAULT);
	CHECK(header.nr_options == 8 && header.nr_body == (uintptr_t)&reg);
	header.nr_options = 0;
	REFUSED(ioctl(fd, NIOCCTRL, &header), ENXIO);
	REFUSED(ioctl(fd, 0x12345, NULL), EOPNOTSUPP);
	REFUSED(ioctl(fd, NIOCTXSYNC, NULL), ENXIO);
	REFUSED(ioctl(fd, NIOCRXSYNC, NULL), ENXIO);
	REFUSED(read(fd, &byte, 1), EINVAL);
	REFUSED(write(fd, "x", 1), EINVAL);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL);
	strcpy(header.nr_name, "vale0:a");
	CHECK(ioctl(fd, NIOCCTRL, &header) == 0);
	CHECK(reg.nr_memsize == 42369024 && reg.nr_tx_rings == 1 && reg.nr_tx_slots == 1024);
	REFUSED(ioctl(fd, NIOCCTRL, &header), EBUSY);
	CHECK(mmap(NULL, reg.nr_memsize + 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(close(fd) == 0);
	REFUSED(ioctl(fd, NIOCTXSYNC, NULL), EBADF);
}

static void
options(void)
{
	struct nmreq_opt_offsets offsets = { .nro_opt.nro_reqtype = NETMAP_REQ_OPT_OFFSETS, .nro_max_offset = 128, .nro_initial_offset = 64 };
	struct nmreq_option unknown = { .nro_reqtype = 77, .nro_next = (uintptr_t)&offsets };
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC };
	struct nmreq_header header = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER, .nr_name = "vale0:o" };
	int fd = open("/dev/netmap", O_RDWR);

	header.nr_body = (uintptr_t)&reg;
	header.nr_options = (uintptr_t)&unknown;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EOPNOTSUPP);
	CHECK(unknown.nro_status == EOPNOTSUPP && unknown.nro_next == (uintptr_t)&offsets && offsets.nro_opt.nro_status == 0);
	unknown.nro_next = (uintptr_t)&unknown;
	unknown.nro_reqtype = NETMAP_REQ_OPT_CSB;
	REFUSED(ioctl(fd, NIOCCTRL, &header), EINVAL);
}

static void
pipes(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);

	CHECK(a.reg.nr_mem_id == b.reg.nr_mem_id);
	for (uint32_t i = 0; i < 5000; i++) {
		send_one(&a, i);
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		CHECK(take_all(&b, i) == 1);
	}
	close_port(&b);
	close_port(&a);
}

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

/* A thread sleeps in poll, select or epoll_wait until another one sends. */
static void
wakes(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct pollfd fd = { .fd = b.fd, .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 0x1234567890 };
	int epoll = epoll_create1(0);
	pthread_t sender;
	fd_set set;

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, b.fd, &event) == 0);
	for (int how = 0; how < 3; how++) {
		FD_ZERO(&set);
		FD_SET(b.fd, &set);
		CHECK(pthread_create(&sender, NULL, send_later, &a) == 0);
		if (how == 0)
			CHECK(poll(&fd, 1, 10000) == 1 && fd.revents == POLLIN);
		else if (how == 1)
			CHECK(select(b.fd + 1, &set, NULL, NULL, NULL) == 1 && FD_ISSET(b.fd, &set));
		else
			CHECK(epoll_wait(epoll, &event, 1, -1) == 1 && event.events == EPOLLIN && event.data.u64 == 0x1234567890);
		CHECK(pthread_join(sender, NULL) == 0);
		CHECK(take_all(&b, 0) == 1);
	}
}

static void
selects(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0);
	struct timeval time = { 0, 20000 };
	struct timespec nothing = { 0, 0 };
	fd_set reading, writing;

	FD_ZERO(&reading);
	FD_ZERO(&writing);
	FD_SET(b.fd, &reading);
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

static int
exclusive_is_taken(const char *name)
{
	struct nmreq_register reg = { .nr_flags = NR_EXCLUSIVE };
	int fd = open("/dev/netmap", O_RDWR), result = try_register(fd, name, &reg), error = errno;

	CHECK(close(fd) == 0);
	CHECK(result == 0 || error == EBUSY);
	return result != 0;
}

/* The server learns of the end of a file a moment after the kernel does. */
static void
becomes_free(const char *name)
{
	for (int i = 0; i < 1000 && exclusive_is_taken(name); i++)
		usleep(10000);
	CHECK(!exclusive_is_taken(name));
}

static void
duplicates(void)
{
	struct port a = open_port("vale0:d", NR_EXCLUSIVE);
	int second = dup(a.fd), third = fcntl(a.fd, F_DUPFD_CLOEXEC, 100), fourth = dup2(a.fd, 200);

	CHECK(second >= 0 && third >= 100 && fourth == 200);
	CHECK(munmap(a.memory, a.reg.nr_memsize) == 0);
	CHECK(close(a.fd) == 0);
	CHECK(ioctl(second, NIOCTXSYNC, NULL) == 0 && ioctl(third, NIOCRXSYNC, NULL) == 0 && ioctl(fourth, NIOCTXSYNC, NULL) == 0);
	CHECK(exclusive_is_taken("vale0:d"));
	CHECK(close(second) == 0 && close(third) == 0);
	CHECK(exclusive_is_taken("vale0:d"));
	/* The last one goes by being replaced. */
	CHECK(dup2(0, fourth) == fourth);
	becomes_free("vale0:d");
}

static void
mappings(void)
{
	struct port a = open_port("vale0:m", NR_EXCLUSIVE);
	char *part = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, a.fd, 4096);

	CHECK(part != MAP_FAILED);
	CHECK(close(a.fd) == 0);
	CHECK(munmap(a.memory, a.reg.nr_memsize) == 0);
	CHECK(exclusive_is_taken("vale0:m"));
	CHECK(munmap(part, 4096) == 0);
	CHECK(exclusive_is_taken("vale0:m"));
	CHECK(munmap(part + 4096, 4096) == 0);
	becomes_free("vale0:m");
}

static void
wait_for(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
forks(void)
{
	struct port a = open_port(MASTER, NR_EXCLUSIVE), b = open_port(SLAVE, NR_EXCLUSIVE);
	pid_t child = fork();

	if (child == 0) {
		for (uint32_t i = 0; i < 100; i++)
			send_one(&a, i);
		_exit(0);
	}
	wait_for(child);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
	CHECK(take_all(&b, 0) == 100);
	/* The parent goes on, and a child that outlives it keeps the port. */
	child = fork();
	if (child == 0) {
		usleep(300000);
		_exit(0);
	}
	close_port(&a);
	CHECK(exclusive_is_taken(MASTER));
	wait_for(child);
	becomes_free(MASTER);
	close_port(&b);
}

static void
pass(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *rights = CMSG_FIRSTHDR(&message);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	CHECK(sendmsg(socket, &message, 0) == 1);
}

static int
receive(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { &byte, 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	int fd;

	CHECK(recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

/* A server process opens the ports and passes them; a client maps and uses them, and goes; the ports stay. */
static void
passes(void)
{
	int sockets[2];
	pid_t client;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	client = fork();
	if (client == 0) {
		struct port a = { .fd = receive(sockets[1]) }, b = { .fd = receive(sockets[1]) };

		CHECK(read(sockets[1], &a.reg, sizeof(a.reg)) == sizeof(a.reg) && read(sockets[1], &b.reg, sizeof(b.reg)) == sizeof(b.reg));
		map_port(&a);
		map_port(&b);
		for (uint32_t i = 0; i < 10; i++)
			send_one(&a, i);
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		_exit(nm_ring_space(NETMAP_RXRING(b.nifp, 0)) == 10 ? 0 : 1);
	} else {
		struct port a = open_port(MASTER, NR_EXCLUSIVE), b = open_port(SLAVE, NR_EXCLUSIVE);

		pass(sockets[0], a.fd);
		pass(sockets[0], b.fd);
		CHECK(write(sockets[0], &a.reg, sizeof(a.reg)) > 0 && write(sockets[0], &b.reg, sizeof(b.reg)) > 0);
		wait_for(client);
		CHECK(exclusive_is_taken(MASTER));
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, 0) == 10);
	}
}

static void
executed(const char *number)
{
	CHECK(ioctl(atoi(number), NIOCTXSYNC, NULL) == 0);
	CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, atoi(number), 0) != MAP_FAILED);
}

static void
execs(void)
{
	struct port a = open_port("vale0:e", NR_EXCLUSIVE);
	char number[16];
	pid_t child = fork();

	if (child == 0) {
		snprintf(number, sizeof(number), "%d", a.fd);
		execl("/proc/self/exe", "shim", "executed", number, NULL);
		_exit(127);
	}
	wait_for(child);
}

static void *
blast(void *argument)
{
	struct port *port = argument;

	for (int i = 0; i < 20000; i++)
		CHECK(ioctl(port->fd, i & 1 ? NIOCTXSYNC : NIOCRXSYNC, NULL) == 0);
	return NULL;
}

static void
threads(void)
{
	struct port a = open_port(MASTER, 0);
	pthread_t all[4];

	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&all[i], NULL, blast, &a) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(all[i], NULL) == 0);
	close_port(&a);
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

/* Two processes on one switch; the receiver says when it is through with a burst, for a switch drops what does not fit. */
static void
vale(void)
{
	struct port a = open_port("vale0:a", 0);
	int ready[2];
	pid_t child;

	CHECK(pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		struct port b = open_port("vale0:b", 0);
		struct pollfd fd = { .fd = b.fd, .events = POLLIN };

		CHECK(write(ready[1], "x", 1) == 1);
		for (uint32_t got = 0; got < 100000;) {
			CHECK(poll(&fd, 1, 10000) == 1);
			got += take_all(&b, got);
			if (got % 500 == 0)
				CHECK(write(ready[1], "x", 1) == 1);
		}
		_exit(0);
	}
	for (uint32_t i = 0; i < 100000;) {
		CHECK(read(ready[0], &(char){ 0 }, 1) == 1);
		for (int burst = 0; burst < 500; burst++)
			put(&a, i++);
		CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
	}
	wait_for(child);
}

/* As lb does: frames leave the ring in their buffers, spare ones take their places, and all come back at the end. */
static void
extra_buffers(void)
{
	struct port a = open_port(MASTER, 0), b = { .reg = { .nr_extra_bufs = 100 } };
	struct netmap_ring *ring;
	uint32_t kept[100];

	b.fd = open("/dev/netmap", O_RDWR);
	CHECK(b.fd >= 0 && try_register(b.fd, SLAVE, &b.reg) == 0 && b.reg.nr_extra_bufs == 100);
	map_port(&b);
	ring = NETMAP_RXRING(b.nifp, 0);
	for (uint32_t i = 0; i < 100; i++)
		send_one(&a, i);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && nm_ring_space(ring) == 100);
	for (uint32_t i = 0; i < 100; i++) {
		struct netmap_slot *slot = &ring->slot[ring->head];
		uint32_t spare = b.nifp->ni_bufs_head;

		CHECK(spare != 0);
		b.nifp->ni_bufs_head = *(uint32_t *)(void *)NETMAP_BUF(ring, spare);
		kept[i] = slot->buf_idx;
		slot->buf_idx = spare;
		slot->flags |= NS_BUF_CHANGED;
		ring->head = ring->cur = nm_ring_next(ring, ring->head);
	}
	CHECK(b.nifp->ni_bufs_head == 0 && ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
	for (uint32_t i = 0, found; i < 100; i++) {
		memcpy(&found, NETMAP_BUF(ring, kept[i]) + 14, sizeof(found));
		CHECK(found == i);
		*(uint32_t *)(void *)NETMAP_BUF(ring, kept[i]) = b.nifp->ni_bufs_head;
		b.nifp->ni_bufs_head = kept[i];
	}
	/* The ring goes on with the spare ones. */
	send_one(&a, 100);
	CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, 100) == 1);
	close_port(&b);
	close_port(&a);
}

/* As bridge does: what one port received another one sends, by exchanging the buffers of their slots. */
static void
swaps(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0), c = open_port("pp{2", 0), d = open_port("pp}2", 0);
	struct netmap_ring *in = NETMAP_RXRING(b.nifp, 0), *out = NETMAP_TXRING(c.nifp, 0);

	CHECK(b.reg.nr_mem_id == c.reg.nr_mem_id);
	for (uint32_t i = 0; i < 5000; i++) {
		struct pollfd fds[2] = { { .fd = b.fd, .events = POLLIN }, { .fd = c.fd, .events = POLLOUT } };

		send_one(&a, i);
		CHECK(poll(fds, 2, 10000) == 2 && nm_ring_space(in) == 1 && nm_ring_space(out) > 0);
		{
			struct netmap_slot *from = &in->slot[in->head], *to = &out->slot[out->head];
			uint32_t spare = to->buf_idx;

			to->buf_idx = from->buf_idx;
			to->len = from->len;
			from->buf_idx = spare;
			to->flags |= NS_BUF_CHANGED;
			from->flags |= NS_BUF_CHANGED;
		}
		in->head = in->cur = nm_ring_next(in, in->head);
		out->head = out->cur = nm_ring_next(out, out->head);
		CHECK(ioctl(c.fd, NIOCTXSYNC, NULL) == 0 && ioctl(d.fd, NIOCRXSYNC, NULL) == 0 && take_all(&d, i) == 1);
		CHECK(ioctl(d.fd, NIOCRXSYNC, NULL) == 0);
	}
}

/* Copying monitors see what goes by, in both directions. */
static void
monitors(void)
{
	struct port a = open_port(MASTER, 0), b = open_port(SLAVE, 0), sent = open_port(MASTER, NR_MONITOR_TX), got = open_port(SLAVE, NR_MONITOR_RX);

	for (uint32_t i = 0; i < 1000; i++) {
		send_one(&a, i);
		CHECK(ioctl(b.fd, NIOCRXSYNC, NULL) == 0 && take_all(&b, i) == 1 && ioctl(b.fd, NIOCRXSYNC, NULL) == 0);
		CHECK(ioctl(a.fd, NIOCTXSYNC, NULL) == 0);
		CHECK(ioctl(sent.fd, NIOCRXSYNC, NULL) == 0 && take_all(&sent, i) == 1);
		CHECK(ioctl(got.fd, NIOCRXSYNC, NULL) == 0 && take_all(&got, i) == 1);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "requests", requests }, { "options", options }, { "pipes", pipes }, { "polls", polls }, { "wakes", wakes },
	{ "selects", selects }, { "epolls", epolls }, { "edges", edges }, { "duplicates", duplicates },
	{ "mappings", mappings }, { "forks", forks }, { "passes", passes }, { "execs", execs }, { "threads", threads },
	{ "signals", signals }, { "vale", vale }, { "extra_buffers", extra_buffers },
	{ "swaps", swaps }, { "monitors", monitors },
};

int
main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "executed") == 0) {
		executed(argv[2]);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (strcmp(argv[1], tests[i].name) == 0) {
			tests[i].run();
			return 0;
		}
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		printf("%s\n", tests[i].name);
	return 2;
}
