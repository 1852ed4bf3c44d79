/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * mmap of netmap files. The server hands out the region's memory, which is mapped in the file's place; as long as some of
 * it is mapped, the file's hidden descriptor keeps the port open, as the kernel's mapping would.
 */
#include "shim.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct mapping {
	struct mapping *next;
	uintptr_t start, end;
	struct file *file;
};

static struct mapping *mappings;	/* under the table's lock */
atomic_int memory_mappings;

/* The mapping is a reference to the file. */
static void
hold(struct file *file, struct mapping *mapping)
{
	table_lock();
	atomic_fetch_add(&file->references, 1);
	mapping->next = mappings;
	mappings = mapping;
	table_unlock();
	atomic_fetch_add(&memory_mappings, 1);
}

/* Puts [start, start + length) on the list, for as long as it is mapped. Without memory it is not known, and holds nothing. */
static void
hold_range(struct file *file, const void *start, size_t length)
{
	struct mapping *mapping = length == 0 ? NULL : malloc(sizeof(*mapping));

	if (mapping == NULL)
		return;
	*mapping = (struct mapping){ NULL, (uintptr_t)start, ((uintptr_t)start + length + 4095) & ~(uintptr_t)4095, file };
	hold(file, mapping);
}

void *
file_mmap(struct file *file, void *address, size_t length, int protection, int flags, off_t offset)
{
	struct nms_map ask = { (uint64_t)offset, length }, got;
	struct iovec part = { &ask, sizeof(ask) };
	int memory = -1, error;
	struct request request = {
		.type = NMS_MAP, .parts = &part, .part_count = 1, .answer = &got, .answer_size = sizeof(got), .received = &memory,
	};
	struct session *session = session_take(file);
	void *mapped = MAP_FAILED;

	if (session == NULL)
		return MAP_FAILED;
	error = session_ask(session, &request);
	session_give(session);
	if (error == 0 && memory < 0)
		error = EMFILE;		/* dropped on the way: no room among our descriptors */
	if (error == 0) {
		mapped = REAL(mmap)(address, length, protection, flags, memory, (off_t)got.offset);
		error = errno;
	}
	if (memory >= 0)
		REAL(close)(memory);
	if (mapped == MAP_FAILED) {
		errno = error;
		return MAP_FAILED;
	}
	memory_replaced(mapped, length, flags);
	hold_range(file, mapped, length);
	return mapped;
}

/* Takes [start, end) out of a mapping; what is left behind it, if anything, becomes a mapping of its own. */
static void
cut(struct mapping *mapping, uintptr_t start, uintptr_t end, struct mapping **spare)
{
	uintptr_t from = start > mapping->start ? start : mapping->start;
	uintptr_t to = end < mapping->end ? end : mapping->end;

	if (from >= to)
		return;
	if (from > mapping->start && to < mapping->end && *spare != NULL) {
		**spare = (struct mapping){ mapping->next, to, mapping->end, mapping->file };
		mapping->next = *spare;
		*spare = NULL;
		mapping->end = from;
		atomic_fetch_add(&mapping->file->references, 1);
		atomic_fetch_add(&memory_mappings, 1);
	} else if (from > mapping->start) {
		mapping->end = from;
	} else {
		mapping->start = to;
	}
}

/* Before anything is allocated: an allocator may call munmap(2) from within. */
static bool
concerns(uintptr_t start, uintptr_t end)
{
	bool found = false;

	table_lock();
	for (const struct mapping *mapping = mappings; mapping != NULL; mapping = mapping->next)
		found |= start < mapping->end && end > mapping->start;
	table_unlock();
	return found;
}

/* Called before the addresses can be somebody else's. */
void
memory_unmapped(void *address, size_t length)
{
	uintptr_t start = (uintptr_t)address, end = (start + length + 4095) & ~(uintptr_t)4095;
	struct mapping *spare, *dead = NULL;
	int cancel;

	if ((start & 4095) != 0 || end <= start || !concerns(start, end))
		return;
	cancel = cancel_off();
	spare = malloc(sizeof(*spare));
	table_lock();
	for (struct mapping **place = &mappings; *place != NULL;) {
		struct mapping *mapping = *place;

		cut(mapping, start, end, &spare);
		if (mapping->start < mapping->end) {
			place = &mapping->next;
			continue;
		}
		*place = mapping->next;
		mapping->next = dead;
		dead = mapping;
	}
	table_unlock();
	free(spare);
	while (dead != NULL) {
		struct mapping *next = dead->next;

		file_put(dead->file);
		atomic_fetch_sub(&memory_mappings, 1);
		free(dead);
		dead = next;
	}
	cancel_restore(cancel);
}

static struct file *
file_at(uintptr_t address)
{
	struct file *file = NULL;

	table_lock();
	for (const struct mapping *mapping = mappings; mapping != NULL && file == NULL; mapping = mapping->next) {
		if (address >= mapping->start && address < mapping->end) {
			file = mapping->file;
			atomic_fetch_add(&file->references, 1);
		}
	}
	table_unlock();
	return file;
}

/* mremap(2): memory of a port that moves, shrinks, grows, or is mapped once more (a length of 0). */
void *
memory_remap(void *address, size_t from, size_t to, int flags, void *target)
{
	struct file *file = file_at((uintptr_t)address);
	void *moved;
	int error;

	/* As with munmap(2), before the addresses can be somebody else's. */
	if ((flags & MREMAP_DONTUNMAP) == 0)
		memory_unmapped(address, from);
	moved = REAL(mremap)(address, from, to, flags, target);
	error = errno;
	if (moved != MAP_FAILED && (flags & MREMAP_FIXED) != 0)
		memory_unmapped(moved, to);
	if (file != NULL) {
		if (moved != MAP_FAILED)
			hold_range(file, moved, to);
		else if ((flags & MREMAP_DONTUNMAP) == 0)
			hold_range(file, address, from);
		file_put(file);
	}
	errno = error;
	return moved;
}

/* A mapping that was put at a fixed place: what was there has gone. */
void
memory_replaced(void *address, size_t length, int flags)
{
	if ((flags & MAP_FIXED) != 0 && atomic_load_explicit(&memory_mappings, memory_order_relaxed) != 0)
		memory_unmapped(address, length);
}

/* In a child, before any other thread is: each mapping is a reference. */
void
memory_count(void)
{
	for (const struct mapping *mapping = mappings; mapping != NULL; mapping = mapping->next)
		atomic_fetch_add(&mapping->file->references, 1);
}

/* One line of /proc/self/maps. */
struct area {
	unsigned long start, end, position, inode;
	unsigned int major, minor;
	char permissions[8];
	char name[4096];
};

static bool
is_area(const struct area *area, const char *name)
{
	struct stat found;

	return stat(name, &found) == 0 && found.st_ino == area->inode &&
	    major(found.st_dev) == area->major && minor(found.st_dev) == area->minor;
}

static int
open_if(const struct area *area, const char *name)
{
	return is_area(area, name) ? REAL(open)(name, O_RDWR | O_CLOEXEC) : -1;
}

/*
 * The file behind a mapping: by the kernel's own name for it, which takes CAP_SYS_ADMIN; by its name, which it may have lost or
 * never had; or as another descriptor of this process.
 */
static int
open_area(const struct area *area)
{
	char path[64];
	struct dirent *entry;
	DIR *descriptors;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", area->start, area->end);
	fd = open_if(area, path);
	if (fd < 0)
		fd = open_if(area, area->name);
	descriptors = fd < 0 ? opendir("/proc/self/fd") : NULL;
	while (fd < 0 && descriptors != NULL && (entry = readdir(descriptors)) != NULL) {
		snprintf(path, sizeof(path), "/proc/self/fd/%.20s", entry->d_name);
		fd = open_if(area, path);
	}
	if (descriptors != NULL)
		closedir(descriptors);
	return fd;
}

/* Too large for a small stack. */
struct reading {
	FILE *maps;
	struct area area, first;
	char line[4352];
};

static bool
next_area(struct reading *reading)
{
	struct area *area = &reading->area;

	area->name[0] = '\0';
	return fgets(reading->line, sizeof(reading->line), reading->maps) != NULL &&
	    sscanf(reading->line, "%lx-%lx %7s %lx %x:%x %lu %4095[^\n]", &area->start, &area->end, area->permissions, &area->position,
		&area->major, &area->minor, &area->inode, area->name) >= 7;
}

/* The first mapping of [at, end), if all that are there continue it as one shared mapping of a file. */
static int
find_area(struct reading *reading, uint64_t at, uint64_t end)
{
	struct area *area = &reading->area, *first = &reading->first;
	int result = EFAULT;

	while (at < end && next_area(reading)) {
		if (area->end <= at)
			continue;
		if (area->start > at || strncmp(area->permissions, "rw", 2) != 0)
			return EFAULT;
		if (first->end == 0) {
			*first = *area;
			result = 0;
		}
		if (area->permissions[3] != 's' || area->inode != first->inode || area->major != first->major || area->minor != first->minor ||
		    area->position != first->position + (area->start - first->start))
			result = EOPNOTSUPP;
		at = area->end;
	}
	return at < end ? EFAULT : result;
}

/*
 * EXTMEM: the file behind part of the program's memory, which may be several mappings by now, and where in it the memory
 * begins. EFAULT when not all of it is there to be written, EOPNOTSUPP when there is no file that others could map.
 */
int
memory_backing(uint64_t address, uint64_t length, uint64_t *offset, int *fd)
{
	struct reading *reading = calloc(1, sizeof(*reading));
	int result = EOPNOTSUPP;

	if (reading != NULL && (reading->maps = fopen("/proc/self/maps", "re")) != NULL) {
		result = find_area(reading, address, length > UINT64_MAX - address ? UINT64_MAX : address + length);
		fclose(reading->maps);
	}
	if (result == 0) {
		*offset = reading->first.position + (address - reading->first.start);
		*fd = open_area(&reading->first);
		result = *fd >= 0 ? 0 : EOPNOTSUPP;
	}
	free(reading);
	return result;
}
