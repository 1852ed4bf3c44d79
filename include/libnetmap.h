/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Layout of libnetmap's port descriptor. Programs link against netmap's own libnetmap, which works on any system that
 * gives it the ioctls of net/netmap.h; this header lets the layout be checked. Written anew.
 */
#ifndef LIBNETMAP_H_
#define LIBNETMAP_H_

#include <net/netmap_user.h>

struct nmem_d;
struct nmctx;
struct nmport_cleanup_d;

struct nmport_d {
	struct nmreq_header hdr;
	struct nmreq_register reg;
	struct nmem_d *mem;
	struct nmctx *ctx;
	int register_done;
	int mmap_done;
	struct nmreq_opt_extmem *extmem;
	int fd;
	struct netmap_if *nifp;
	uint16_t first_tx_ring;
	uint16_t last_tx_ring;
	uint16_t first_rx_ring;
	uint16_t last_rx_ring;
	uint16_t cur_tx_ring;
	uint16_t cur_rx_ring;
	struct nmport_cleanup_d *clist;
};

#endif /* LIBNETMAP_H_ */
