/*
 * Clients of a server that mean no good, without a shim: hostile TEST SOCKET [USER]. What they find out, or bring about, is for the test to
 * judge; so they say it in words.
 */
#include "raw.h"

/* A program with a port of a switch that polls it to receive: what is pending is sent then, too. */
static void
victim(int user, int say, int stop)
{
	static char secret[64];
	struct pollfd ended = { .fd = stop, .events = POLLIN };
	struct { const char *secret; int memory; } told;
	struct client c;

	become(user);
	/* Not what the attacker has at this address. */
	snprintf(secret, sizeof(secret), "SECRET-OF-PROCESS-%d", getpid());
	c = open_client("vale0:v");
	told.secret = secret;
	told.memory = c.reg.nr_mem_id;
	CHECK(write(say, &told, sizeof(told)) == sizeof(told));
	while (poll(&ended, 1, 1) == 0)
		CHECK(sync_client(&c, NMS_OP_POLL, POLLIN) == 0);
	say_statistics(&c);
	fflush(stdout);
	_exit(0);
}

/* Fills slots of another program's ring with addresses of that program, and listens. */
static void
peek(int user, int by_memory)
{
	struct { const char *secret; int memory; } told;
	int say[2], stop[2], got = 0;
	struct client spy, other = { .session = -1 };
	struct netmap_ring *tx, *rx;
	uint32_t tail;
	pid_t child;

	CHECK(pipe(say) == 0 && pipe(stop) == 0);
	child = fork();
	if (child == 0) {
		close(stop[1]);
		/* Another user than the attacker, or the same. */
		victim(user > 0 ? user + 1 : 0, say[1], stop[0]);
	}
	CHECK(read(say[0], &told, sizeof(told)) == sizeof(told));
	become(user);
	spy = connect_client();
	attach(&spy);
	if (try_register(&spy, "vale0:spy") != 0) {
		puts("refused on the switch");
		/* Another user's switch; what follows is tried from one of its own. */
		CHECK(try_register(&spy, "vale1:spy") == 0);
	}
	map_client(&spy);
	other = connect_client();
	attach(&other);
	if (by_memory)
		other.reg = (struct nmreq_register){ .nr_mode = NR_REG_NULL, .nr_mem_id = told.memory, .nr_tx_rings = 1, .nr_rx_rings = 1 };
	if (try_register(&other, by_memory ? "x" : "vale0:v") != 0) {
		puts("refused");
	} else {
		map_client(&other);
		if (by_memory) {
			/* The victim's rings are the region's first: those of the null port follow. */
			for (char *at = other.memory; ; at += 64) {
				tx = (struct netmap_ring *)at;
				CHECK(at < other.memory + other.reg.nr_memsize - 4096);
				if (tx->num_slots == 1024 && tx->nr_buf_size == 2048 && tx->dir == 1)
					break;
			}
		} else {
			tx = NETMAP_TXRING(other.nifp, 0);
		}
		tail = tx->tail;
		tx->slot[tx->head] = (struct netmap_slot){ tx->slot[tx->head].buf_idx, 64, NS_INDIRECT, (uintptr_t)told.secret };
		tx->cur = tx->head + 1;
		__atomic_store_n(&tx->head, tx->cur, __ATOMIC_SEQ_CST);
		for (int i = 0; i < 10000 && __atomic_load_n(&tx->tail, __ATOMIC_SEQ_CST) == tail; i++)
			usleep(1000);
		CHECK(__atomic_load_n(&tx->tail, __ATOMIC_SEQ_CST) != tail);
		CHECK(sync_client(&spy, NMS_OP_RXSYNC, 0) == 0);
		rx = NETMAP_RXRING(spy.nifp, 0);
		for (; rx->head != rx->tail; rx->head = nm_ring_next(rx, rx->head), got++)
			printf("received %.28s\n", NETMAP_BUF(rx, rx->slot[rx->head].buf_idx));
	}
	printf("%d frames\n", got);
	fflush(stdout);
	close(stop[1]);
	CHECK(waitpid(child, NULL, 0) == child);
}

static void
peeks(int user)
{
	peek(user, 0);
}

static void
peeks_by_memory(int user)
{
	peek(user, 1);
}

/*
 * A session of a process that has ended, whose number is another process's by now: its memory is neither read nor written. Runs in a
 * namespace of process numbers of its own.
 */
struct stranger {
	char secret[64];
	char arrays[4096] __attribute__((aligned(64)));
};

/* Somebody who makes a socketpair among our descriptors, and lives until the session is attached. */
static struct { int pair[2]; volatile int made, done; } maker;

static int
make_pair(void *unused)
{
	(void)unused;
	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, maker.pair) == 0);
	maker.made = 1;
	while (!maker.done)
		usleep(1000);
	return 0;
}

/* A session of a process that is gone; its number. */
static pid_t
attach_for_another(struct client *c)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t child;

	maker.made = maker.done = 0;
	child = clone(make_pair, stack + sizeof(stack), CLONE_FILES | CLONE_VM | SIGCHLD, NULL);
	CHECK(child > 0);
	while (!maker.made)
		usleep(1000);
	*c = connect_client();
	attach_pair(c, maker.pair);
	maker.done = 1;
	CHECK(waitpid(child, NULL, 0) == child);
	return child;
}

static pid_t
with_number(pid_t number, struct stranger *stranger)
{
	for (int i = 0; i < 100; i++) {
		FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");
		int written = 0;
		pid_t child;

		CHECK(last != NULL && fprintf(last, "%d", number - 1) > 0 && fclose(last) == 0);
		child = fork();
		if (child == 0) {
			/* A copy of its own. */
			strcpy(stranger->secret, "SECRET-OF-A-STRANGER");
			raise(SIGSTOP);
			for (size_t k = 0; k < sizeof(stranger->arrays); k++)
				written |= stranger->arrays[k] != 0;
			printf("arrays %s\n", written ? "written" : "untouched");
			fflush(stdout);
			_exit(0);
		}
		CHECK(waitpid(child, NULL, WUNTRACED) == child);
		if (child == number)
			return child;
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	CHECK(!"the number came back");
	return -1;
}

static void
reuses(int user)
{
	static struct stranger stranger;
	struct client receiver, sender, arrays;
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC, .nr_flags = NR_EXCLUSIVE };
	struct nmreq_opt_csb csb = { .nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB, .csb_atok = (uintptr_t)stranger.arrays,
		.csb_ktoa = (uintptr_t)stranger.arrays + 2048 };
	pid_t number, child;

	(void)user;
	receiver = open_client("vale0:r");
	number = attach_for_another(&sender);
	CHECK(try_register(&sender, "vale0:s") == 0);
	map_client(&sender);
	child = with_number(number, &stranger);
	point(&sender, stranger.secret, 64);
	CHECK(sync_client(&sender, NMS_OP_TXSYNC, 0) == 0);
	CHECK(sync_client(&receiver, NMS_OP_RXSYNC, 0) == 0);
	printf("%u frames\n", nm_ring_space(NETMAP_RXRING(receiver.nifp, 0)));
	say_statistics(&sender);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);

	number = attach_for_another(&arrays);
	child = with_number(number, &stranger);
	printf("csb: %s\n", strerror(control(&arrays, NETMAP_REQ_REGISTER, "vale0:c", &reg, sizeof(reg), &csb, sizeof(csb))));
	fflush(stdout);
	kill(child, SIGCONT);
	waitpid(child, NULL, 0);
}

/* A file system that opens files, and never answers when they are read. */
static int fuse;
static volatile int fuse_is_silent;

static void
fuse_answer(uint64_t request, int error, const void *body, size_t length)
{
	char message[512];
	struct fuse_out_header header = { sizeof(header) + length, error, request };

	memcpy(message, &header, sizeof(header));
	memcpy(message + sizeof(header), body, length);
	CHECK(write(fuse, message, header.len) == (ssize_t)header.len);
}

static void *
fuse_thread(void *unused)
{
	static char room[1 << 20];
	struct fuse_in_header *in = (struct fuse_in_header *)room;
	struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION, .max_write = 4096 };
	struct fuse_entry_out entry = { .nodeid = 2, .entry_valid = 3600, .attr = { .ino = 2, .size = 1 << 20, .mode = S_IFREG | 0666, .nlink = 1 } };
	struct fuse_attr_out attr = { .attr = { .ino = 1, .mode = S_IFDIR | 0755, .nlink = 2 } };
	struct fuse_open_out opened = { .fh = 1 };

	while (read(fuse, room, sizeof(room)) > 0) {
		attr.attr.mode = in->nodeid == 1 ? S_IFDIR | 0755 : S_IFREG | 0666;
		attr.attr.size = in->nodeid == 1 ? 0 : 1 << 20;
		switch (in->opcode) {
		case FUSE_INIT:
			fuse_answer(in->unique, 0, &init, sizeof(init));
			break;
		case FUSE_LOOKUP:
			fuse_answer(in->unique, 0, &entry, sizeof(entry));
			break;
		case FUSE_GETATTR:
			if (!fuse_is_silent)
				fuse_answer(in->unique, 0, &attr, sizeof(attr));
			break;
		case FUSE_OPEN:
			fuse_answer(in->unique, 0, &opened, sizeof(opened));
			break;
		case FUSE_READ:
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		default:
			fuse_answer(in->unique, -ENOSYS, NULL, 0);
			break;
		}
	}
	return unused;
}

/* Memory that never comes: a mapping of a file of that file system, which is mounted for this process alone. */
static char *
silent_memory(int *file)
{
	char folder[] = "/tmp/netmap-silent-XXXXXX", options[128], name[64];
	pthread_t thread;
	char *memory;

	CHECK(unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mkdtemp(folder) != NULL);
	fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	CHECK(fuse >= 0);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
	CHECK(mount("silent", folder, "fuse", MS_NOSUID | MS_NODEV, options) == 0);
	CHECK(pthread_create(&thread, NULL, fuse_thread, NULL) == 0);
	snprintf(name, sizeof(name), "%s/f", folder);
	*file = open(name, O_RDWR);
	CHECK(*file >= 0);
	memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, *file, 0);
	CHECK(memory != MAP_FAILED);
	CHECK(umount2(folder, MNT_DETACH) == 0 && rmdir(folder) == 0);
	/* Once refused, the file system is not asked to flush again: at its end this process would wait for itself. */
	CHECK(close(dup(*file)) == 0);
	fuse_is_silent = 1;
	return memory;
}

static void
said(const char *words)
{
	char line[64];

	puts(words);
	fflush(stdout);
	/* Until the test has looked. No more memory is asked for: while a fault of the server's waits here, that waits, too. */
	CHECK(read(STDIN_FILENO, line, sizeof(line)) > 0);
}

/* Syncs of slots whose data never comes, on as many sessions as there can be. */
static void
never_comes(int user)
{
	static struct client all[2][64];
	int file;
	char *memory = silent_memory(&file);

	(void)user;
	for (int i = 0; i < 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "vale0:n%d", i);
		all[i][0] = open_client(name);
		for (int k = 1; k < 64; k++) {
			all[i][k] = all[i][0];
			attach(&all[i][k]);
		}
	}
	for (int i = 0; i < 2; i++) {
		point(&all[i][0], memory, 64);
		for (int k = 0; k < 64; k++)
			post(&all[i][k], NMS_OP_TXSYNC, 0);
	}
	said("waiting");
	for (int i = 0; i < 2; i++) {
		for (int k = 0; k < 64; k++)
			close(all[i][k].session);
		close(all[i][0].connection);
	}
	said("closed");
	_exit(0);
}

/* CSB arrays that never come, and a file to lend that says nothing of itself. */
static void
csb_never_comes(int user)
{
	struct client c = connect_client(), lender = connect_client();
	struct nmreq_register reg = { .nr_mode = NR_REG_ALL_NIC, .nr_flags = NR_EXCLUSIVE };
	struct nmreq_opt_csb csb = { .nro_opt.nro_reqtype = NETMAP_REQ_OPT_CSB };
	struct nmreq_opt_extmem lent = { .nro_opt.nro_reqtype = NETMAP_REQ_OPT_EXTMEM, .nro_info.nr_memsize = 1 << 20 };
	int file, none[4];
	char *memory = silent_memory(&file);

	(void)user;
	csb.csb_atok = (uintptr_t)memory;
	csb.csb_ktoa = (uintptr_t)memory + 4096;
	attach(&c);
	attach(&lender);
	ask(&c, NETMAP_REQ_REGISTER, "vale0:c", &reg, sizeof(reg), &csb, sizeof(csb), 0, -1);
	ask(&lender, NETMAP_REQ_REGISTER, "lent{1", &reg, sizeof(reg), &lent, sizeof(lent), NMS_IOCTL_EXTMEM, file);
	printf("lending: %s\n", strerror(answer_of(&lender, NULL, 0, none)));
	said("waiting");
	_exit(0);
}

/* Part of a file, lent from its second page on: who is given the file, which is more than what was lent. */
static void
lends_part(int user)
{
	enum { LENT = 12 << 20, PAGE = 4096 };
	struct client lender = connect_client(), other = connect_client();
	struct nmreq_opt_extmem lent = { .nro_opt.nro_reqtype = NETMAP_REQ_OPT_EXTMEM, .nro_info = { .nr_memsize = LENT, .nr_if_pool_objtotal = 8 } };
	char message[4096];
	struct nms_ioctl *request = (struct nms_ioctl *)(message + sizeof(struct nms_header));
	int file = memfd_create("lent", MFD_CLOEXEC | MFD_ALLOW_SEALING), none[4], got;

	(void)user;
	CHECK(file >= 0 && ftruncate(file, LENT + PAGE) == 0 && fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK) == 0);
	lent.nro_usrptr = (uintptr_t)mmap(NULL, LENT, PROT_READ | PROT_WRITE, MAP_SHARED, file, PAGE);
	lender.reg.nr_mode = NR_REG_ALL_NIC;
	attach(&lender);
	extmem_offset = PAGE;
	ask(&lender, NETMAP_REQ_REGISTER, "vale0:lent", &lender.reg, sizeof(lender.reg), &lent, sizeof(lent), NMS_IOCTL_EXTMEM, file);
	CHECK(answer_of(&lender, message + sizeof(struct nms_header), sizeof(*request) + sizeof(struct nmreq_header) + sizeof(lender.reg), none) == 0);
	memcpy(&lender.reg, message + sizeof(struct nms_header) + sizeof(*request) + sizeof(struct nmreq_header), sizeof(lender.reg));
	printf("lender: %s\n", strerror(ask_map(&lender, &got)));
	fflush(stdout);
	if (fork() == 0) {
		/* The same user, another process: it reaches the memory by its number, and by the port. */
		attach(&other);
		other.reg = (struct nmreq_register){ .nr_mode = NR_REG_NULL, .nr_mem_id = lender.reg.nr_mem_id };
		printf("by number: %s\n", strerror(try_register(&other, "x") != 0 ? EIO : (int)ask_map(&other, &got)));
		other = connect_client();
		attach(&other);
		printf("by port: %s\n", strerror(try_register(&other, "vale0:lent") != 0 ? EIO : (int)ask_map(&other, &got)));
		fflush(stdout);
		_exit(0);
	}
	CHECK(wait(NULL) > 0);
}

static const struct { const char *name; void (*run)(int user); } tests[] = {
	{ "peeks", peeks }, { "peeks_by_memory", peeks_by_memory }, { "reuses", reuses },
	{ "never_comes", never_comes }, { "csb_never_comes", csb_never_comes }, { "lends_part", lends_part },
};

int
main(int argc, char **argv)
{
	static char buffer[65536];

	CHECK(argc >= 3 && setvbuf(stdout, buffer, _IOFBF, sizeof(buffer)) == 0);
	host = argv[2];
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		if (strcmp(argv[1], tests[i].name) == 0) {
			tests[i].run(argc > 3 ? atoi(argv[3]) : 0);
			return 0;
		}
	return 2;
}
