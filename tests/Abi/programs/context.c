/* A context of a program's own: its memory runs out at each place in turn, its messages are counted, its parsers are called. */
#include <libnetmap.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "check.h"

static int taken, left, said, locked;	/* blocks taken; how many may be had; messages */
static char last[2048];
static char path[] = "/tmp/netmap-XXXXXX";

static void *
take(struct nmctx *ctx, size_t size)
{
	void *made = ctx != NULL && left-- > 0 ? malloc(size) : NULL;

	if (made != NULL) {
		memset(made, 0xa5, size);
		taken++;
	}
	return made;
}

static void
give(struct nmctx *ctx, void *p)
{
	(void)ctx;
	taken--;
	free(p);
	errno = 77;
}

static void
say(struct nmctx *ctx, const char *message)
{
	(void)ctx;
	said++;
	snprintf(last, sizeof(last), "%s", message);
	errno = 77;
}

static void
lock(struct nmctx *ctx, int on)
{
	(void)ctx;
	locked += on ? 1 : -1;
}

static struct nmctx mine = { .verbose = 1, .error = say, .malloc = take, .free = give, .lock = lock };

/* 1 made it, 0 ran out of memory. */
static int
by_name(const char *name)
{
	struct nmport_d *d = nmport_prepare(name);
	int made = d != NULL;

	CHECK(made || errno == ENOMEM);
	nmport_undo_prepare(d);
	return made;
}

static int
with_offsets(void)
{
	return by_name("netmap:e@offset:initial=8,bits=16@conf:rings=1");
}

static int
with_memory(void)
{
	struct nmport_d *d = nmport_prepare("netmap:e");
	int made;

	if (d == NULL)
		return 0;
	made = nmport_extmem(d, mine.mem_descs, 4096) == 0;
	CHECK(made || errno == ENOMEM);
	CHECK((nmport_extmem_getinfo(d) != NULL) == made && (d->extmem != NULL) == made && (d->hdr.nr_options != 0) == made);
	nmport_undo_prepare(d);
	return made;
}

static int
with_file(void)
{
	char name[64];

	snprintf(name, sizeof(name), "netmap:e@extmem:file=%s,buf_num=7", path);
	return by_name(name);
}

static void
each_place(int (*work)(void))
{
	int most, made = 0;

	for (most = 0; most < 20 && !made; most++) {
		left = most;
		said = 0;
		errno = 0;
		made = work();
		CHECK(taken == 0);
		CHECK(made || said == 1);
	}
	CHECK(made && most > 1);
	left = 1000;
}

static void
messages(void)
{
	char many[1500];
	struct nmport_d *d;

	said = 0;
	mine.verbose = 0;
	CHECK(nmport_prepare("eth0") == NULL && errno == EINVAL && said == 0);
	nmctx_ferror(&mine, "nothing");
	CHECK(said == 0);
	mine.verbose = 1;
	CHECK(nmport_prepare("eth0") == NULL && errno == EINVAL && said == 1 && strstr(last, "eth0") != NULL);
	nmctx_ferror(&mine, "%d %s %c %u %ld %d %d %.2f %s", 1, "two", '3', 4, 5L, 6, 7, 8.5, "nine");
	CHECK(strcmp(last, "1 two 3 4 5 6 7 8.50 nine") == 0);
	memset(many, 'm', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	nmctx_ferror(&mine, "%s", many);
	CHECK(strlen(last) == 999);
	d = nmport_prepare("netmap:e");
	CHECK(d != NULL && d->ctx == &mine);
	if (d == NULL)
		return;
	CHECK(nmport_mmap(d) == -1 && errno == EINVAL && locked == 0);
	CHECK(nmport_extmem_from_file(d, "/nonexistent") == -1 && errno == ENOENT && strstr(last, "/nonexistent") != NULL);
	CHECK(nmport_extmem(d, many, 1) == 0 && nmport_extmem(d, many, 1) == -1 && errno == EINVAL && nmport_clone(d) == NULL && errno == EINVAL);
	CHECK(nmport_parse(d, "netmap:f/q") == -1 && errno == EINVAL && d->extmem == NULL && d->hdr.nr_options == 0);
	nmport_undo_prepare(d);
	nmport_undo_prepare(NULL);
	nmport_close(NULL);
	CHECK(taken == 0);
}

static const char *values[3];
static int calls, answer;

static int
parse(struct nmreq_parse_ctx *found)
{
	int i;

	CHECK(found->token == &calls && found->ctx == &mine);
	for (i = 0; i < 3; i++)
		values[i] = found->keys[i] == NULL ? NULL : strcpy(last + 100 * i, found->keys[i]);
	calls++;
	return answer;
}

static int
decode(const char *options)
{
	static struct nmreq_opt_parser other = { .prefix = "other", .parse = parse, .default_key = -1 };
	static struct nmreq_opt_parser first = {
		.prefix = "mine", .parse = parse, .default_key = 2, .nr_keys = 3, .flags = NMREQ_OPTF_ALLOWEMPTY, .next = &other,
		.keys = { { "a_b", 0, 0 }, { "flag", 1, NMREQ_OPTK_ALLOWEMPTY }, { "must", 2, NMREQ_OPTK_MUSTSET | NMREQ_OPTK_DEFAULT } },
	};

	calls = 0;
	errno = 0;
	return nmreq_options_decode(options, &first, &calls, &mine);
}

static int
is(int i, const char *value)
{
	return value == NULL ? values[i] == NULL : values[i] != NULL && strcmp(values[i], value) == 0;
}

static void
parsers(void)
{
	static const char *const bad[] = {
		"mine", "@", "@@mine", "@mine@", "@mine=", "@mine:a-b=1", "@mine:must=1,", "@mine:,must=1", "@mine:must=1,must=2", "@mine:must",
		"@mine:none=1", "@other", "@other=1", "@mine:must=", "@nothing", "@Mine",
	};
	size_t i;

	CHECK(decode("") == 0 && calls == 0);
	CHECK(decode("@mine") == 0 && calls == 1 && is(0, NULL) && is(1, NULL) && is(2, NULL));
	CHECK(decode("@mine=x=y,z:w") == 0 && is(0, NULL) && is(2, "x=y,z:w"));
	CHECK(decode("@mine:must=1,flag,a-b=c-d=e") == 0 && is(0, "c-d=e") && is(1, "flag") && is(2, "1"));
	CHECK(decode("@mine:a_b=,must=1") == 0 && is(0, NULL) && is(2, "1"));
	CHECK(decode("@mine@mine=2@other:") == 0 && calls == 3);
	answer = 3;
	CHECK(decode("@mine@mine") == 0 && calls == 2);
	answer = -1;
	CHECK(decode("@mine@mine") == -1 && calls == 1);
	answer = 0;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (decode(bad[i]) != -1 || errno != EINVAL) {
			printf("%s was not refused\n", bad[i]);
			failures++;
		}
	}
	left = 0;
	CHECK(decode("@mine") == -1 && errno == ENOMEM && calls == 0);
	left = 1000;
	CHECK(taken == 0);
}

int
main(void)
{
	struct nmctx *before = nmctx_set_default(&mine);
	int fd = mkstemp(path);

	CHECK(before != NULL && before->malloc != NULL && nmctx_get() == &mine && fd >= 0 && ftruncate(fd, 4096) == 0);
	CHECK(nmport_enable_option("offset") == 0 && nmport_enable_option("none") == -1 && errno == EOPNOTSUPP);
	each_place(with_offsets);
	each_place(with_memory);
	each_place(with_file);
	messages();
	parsers();
	nmport_disable_option("offset");
	CHECK(nmport_prepare("netmap:e@offset=8") == NULL && errno == EOPNOTSUPP && taken == 0);
	unlink(path);
	CHECK(nmctx_set_default(before) == &mine);
	return failures != 0;
}
