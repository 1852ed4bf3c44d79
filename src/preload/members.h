/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The two parts of epoll.c and members.c.
 */
#ifndef MEMBERS_H_
#define MEMBERS_H_

#include "shim.h"

/* A netmap file in an epoll set. No reference to it: a set does not keep a file open. */
struct member {
	struct member *next;
	struct file *file;
	int fd;				/* as the program named it */
	struct session *session;	/* ours alone while we are a member; NULL in a child that has not used the set yet */
	struct epoll_event wanted;
	bool armed;			/* the server will wake us */
	bool off;			/* one-shot, and delivered */
	uint32_t found;			/* ready, and not delivered yet */
};

/* All from watch_kick() on are called inside the set. */
bool watch_inside(void);		/* the calling thread is: a signal handler that interrupted it asks */
void watch_enter(struct watch *watch);
void watch_leave(struct watch *watch);
void watch_made(int epoll);		/* the set may stand in another one already */
struct watch *watch_first(void);
struct watch *watch_new(void);
void watch_free(struct watch *watch);
void watch_kick(struct watch *watch);
bool watch_look(struct watch *watch);
bool watch_absorb(struct watch *watch);
struct member **member_find(struct watch *watch, const struct file *file, int fd);
struct member *member_new(struct watch *watch);
void member_insert(struct watch *watch, struct member *member);
void member_look(struct watch *watch, struct member *member);
int member_join(struct watch *watch, struct member *member);
void member_drop(struct watch *watch, struct member **place);

#endif /* MEMBERS_H_ */
