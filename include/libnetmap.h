/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * libnetmap: opening netmap ports by name. Names, layouts and behaviour are those of netmap's library of this name;
 * written anew for Netmap.NET. Link with -lnetmap. All functions that can fail return -1 or NULL and set errno, and send
 * one line about it to the context's error callback (standard error by default).
 */
#ifndef LIBNETMAP_H_
#define LIBNETMAP_H_

#include <net/netmap_user.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct nmctx;
struct nmem_d;
struct nmport_cleanup_d;
struct nmreq_parse_ctx;

/* An open port, or one on its way to be. */
struct nmport_d {
	struct nmreq_header hdr;
	struct nmreq_register reg;
	struct nmem_d *mem;
	struct nmctx *ctx;
	int register_done;
	int mmap_done;
	struct nmreq_opt_extmem *extmem;
	int fd;				/* -1 while not registered */
	struct netmap_if *nifp;
	uint16_t first_tx_ring;		/* the first run of rings the port has bound */
	uint16_t last_tx_ring;
	uint16_t first_rx_ring;
	uint16_t last_rx_ring;
	uint16_t cur_tx_ring;		/* where nmport_inject() goes on */
	uint16_t cur_rx_ring;
	struct nmport_cleanup_d *clist;
};

/* Whole life of a port. */
struct nmport_d *nmport_open(const char *portspec);
void nmport_close(struct nmport_d *d);

/* Puts a frame into a transmit ring; size, or 0 when no ring has room. No sync. */
int nmport_inject(struct nmport_d *d, const void *buf, size_t size);

/* In two steps: prepare = new + parse, open_desc = register + mmap; each with what undoes it. */
struct nmport_d *nmport_prepare(const char *portspec);
void nmport_undo_prepare(struct nmport_d *d);
int nmport_open_desc(struct nmport_d *d);
void nmport_undo_open_desc(struct nmport_d *d);

/* In four. */
struct nmport_d *nmport_new(void);
void nmport_delete(struct nmport_d *d);
int nmport_parse(struct nmport_d *d, const char *portspec);
void nmport_undo_parse(struct nmport_d *d);
int nmport_register(struct nmport_d *d);
void nmport_undo_register(struct nmport_d *d);
int nmport_mmap(struct nmport_d *d);
void nmport_undo_mmap(struct nmport_d *d);

/* An unregistered copy: name, mode and memory, without options. */
struct nmport_d *nmport_clone(struct nmport_d *d);

/* Options, before nmport_register(). */
int nmport_extmem(struct nmport_d *d, void *base, size_t size);
int nmport_extmem_from_file(struct nmport_d *d, const char *fname);
struct nmreq_pools_info *nmport_extmem_getinfo(struct nmport_d *d);
int nmport_offset(struct nmport_d *d, uint64_t initial, uint64_t maxoff, uint64_t bits, uint64_t mingap);

/* Which options a name may carry; "offset" is disabled until enabled. */
void nmport_disable_option(const char *opt);
int nmport_enable_option(const char *opt);

/* Building blocks. */
void nmreq_header_init(struct nmreq_header *hdr, uint16_t reqtype, void *body);
int nmreq_header_decode(const char **ppspec, struct nmreq_header *hdr, struct nmctx *ctx);
int nmreq_register_decode(const char **pmode, struct nmreq_register *reg, struct nmctx *ctx);
int32_t nmreq_get_mem_id(const char **portname, struct nmctx *ctx);

void nmreq_push_option(struct nmreq_header *hdr, struct nmreq_option *o);
void nmreq_remove_option(struct nmreq_header *hdr, struct nmreq_option *o);
struct nmreq_option *nmreq_find_option(struct nmreq_header *hdr, uint32_t reqtype);
void nmreq_free_options(struct nmreq_header *hdr);
const char *nmreq_option_name(uint32_t reqtype);

#define nmreq_foreach_option(hdr_, o_) \
	for ((o_) = (struct nmreq_option *)(uintptr_t)(hdr_)->nr_options; (o_) != NULL; \
	     (o_) = (struct nmreq_option *)(uintptr_t)(o_)->nro_next)

/* Options in a port's name: @prefix=value and @prefix:key=value,key=value */
#define NMREQ_OPT_MAXKEYS	16
#define NMREQ_OPTK_ALLOWEMPTY	(1U << 0)
#define NMREQ_OPTK_MUSTSET	(1U << 1)
#define NMREQ_OPTK_DEFAULT	(1U << 2)
#define NMREQ_OPTF_DISABLED	(1U << 0)
#define NMREQ_OPTF_ALLOWEMPTY	(1U << 1)

typedef int (*nmreq_opt_parser_cb)(struct nmreq_parse_ctx *);

struct nmreq_opt_key {
	const char *key;
	int id;			/* its place in nmreq_parse_ctx.keys */
	unsigned int flags;	/* NMREQ_OPTK_ */
};

struct nmreq_opt_parser {
	const char *prefix;
	nmreq_opt_parser_cb parse;
	int default_key;	/* id, -1 for none */
	int nr_keys;
	unsigned int flags;	/* NMREQ_OPTF_ */
	struct nmreq_opt_parser *next;
	struct nmreq_opt_key keys[NMREQ_OPT_MAXKEYS];
} __attribute__((aligned(16)));

struct nmreq_parse_ctx {
	struct nmctx *ctx;
	void *token;
	const char *keys[NMREQ_OPT_MAXKEYS];
};

int nmreq_options_decode(const char *opt, struct nmreq_opt_parser *parsers, void *token, struct nmctx *ctx);

/* Where messages and memory go. */
typedef void (*nmctx_error_cb)(struct nmctx *, const char *);
typedef void *(*nmctx_malloc_cb)(struct nmctx *, size_t);
typedef void (*nmctx_free_cb)(struct nmctx *, void *);
typedef void (*nmctx_lock_cb)(struct nmctx *, int lock);

struct nmctx {
	int verbose;
	nmctx_error_cb error;
	nmctx_malloc_cb malloc;
	nmctx_free_cb free;
	nmctx_lock_cb lock;
	struct nmem_d *mem_descs;
};

struct nmem_d {
	uint16_t mem_id;
	int refcount;
	void *mem;
	size_t size;
	int is_extmem;
	struct nmem_d *next;
	struct nmem_d *prev;
};

/* The context of new ports; safe to use from several threads. */
struct nmctx *nmctx_get(void);
struct nmctx *nmctx_set_default(struct nmctx *ctx);
void nmctx_set_threadsafe(void);

/* printf-like, to the context's error callback. It is in the header, so that the arguments are the compiler's to pass. */
static inline void __attribute__((format(printf, 2, 3)))
nmctx_ferror(struct nmctx *ctx, const char *fmt, ...)
{
	char message[1000];
	va_list arguments;

	if (!ctx->verbose)
		return;
	va_start(arguments, fmt);
	vsnprintf(message, sizeof(message), fmt, arguments);
	va_end(arguments);
	ctx->error(ctx, message);
}

void *nmctx_malloc(struct nmctx *ctx, size_t size);
void nmctx_free(struct nmctx *ctx, void *p);
void nmctx_lock(struct nmctx *ctx);
void nmctx_unlock(struct nmctx *ctx);

#ifdef __cplusplus
}
#endif

#endif /* LIBNETMAP_H_ */
