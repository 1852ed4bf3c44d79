/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Descriptors of the shim's own: the program has never seen them, and does not close or replace them by chance.
 */
#include "shim.h"

#include <fcntl.h>
#include <unistd.h>

/* Out of the way of programs that count on low numbers. */
#define HIDDEN_FROM	512

static int
move_up(int fd)
{
	int moved = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, (void *)(intptr_t)HIDDEN_FROM);

	return moved >= 0 && moved < SHIM_DESCRIPTORS ? moved : (REAL(close)(moved), -1);
}

void
table_hide(int *place, int fd)
{
	int moved = move_up(fd);

	if (moved >= 0) {
		REAL(close)(fd);
		fd = moved;
	}
	table_lock();
	if (*place < 0) {
		*place = fd;
		if ((unsigned int)fd < SHIM_DESCRIPTORS)
			table_set(fd, (uintptr_t)place | ENTRY_HIDDEN);
		fd = -1;
	}
	table_unlock();
	if (fd >= 0)
		REAL(close)(fd);
}

/* Closed under the lock: a fork finds it known, or gone. */
void
table_unhide(int *place)
{
	int fd;

	table_lock();
	fd = *place;
	*place = -1;
	if (fd >= 0) {
		if ((unsigned int)fd < SHIM_DESCRIPTORS)
			atomic_store(&shim_table[fd], 0);
		REAL(close)(fd);
	}
	table_unlock();
}

void
table_evict(int fd)
{
	int moved;

	if (!is_hidden(fd) || !table_is_ours() || (moved = move_up(fd)) < 0)
		return;
	table_lock();
	if (is_hidden(fd)) {
		uintptr_t entry = table_entry(fd);

		__atomic_store_n((int *)(entry - ENTRY_HIDDEN), moved, __ATOMIC_RELAXED);
		table_set(moved, entry);
		atomic_store(&shim_table[fd], 0);
		moved = -1;
	}
	table_unlock();
	if (moved >= 0)
		REAL(close)(moved);
}

bool
table_next_hidden(unsigned int first, unsigned int last, unsigned int *found)
{
	for (unsigned int fd = first; fd <= last && (int)fd <= shim_highest; fd++) {
		if (is_hidden((int)fd)) {
			*found = fd;
			return true;
		}
	}
	return false;
}
