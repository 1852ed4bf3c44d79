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

void *
file_mmap(struct file *file, void *address, size_t length, int protection, int flags, off_t offset)
{
	struct nms_map ask = { (uint64_t)offset, length }, got;
	struct iovec part = { &ask, sizeof(ask) };
	int memory = -1, error;
	struct request request = {
		.type = NMS_MAP, .parts = &part, .part_count = 1, .answer = &got, .answer_size = sizeof(got), .received = &memory,
	};
	struct mapping *mapping = malloc(sizeof(*mapping));
	struct session *session = mapping == NULL ? NULL : session_take(file);
	void *mapped = MAP_FAILED;

	if (session == NULL) {
		free(mapping);
		return MAP_FAILED;
	}
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
		free(mapping);
		errno = error;
		return MAP_FAILED;
	}
	*mapping = (struct mapping){ NULL, (uintptr_t)mapped, ((uintptr_t)mapped + length + 4095) & ~(uintptr_t)4095, file };
	hold(file, mapping);
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

static bool
next_area(FILE *maps, struct area *area)
{
	char line[4352];

	area->name[0] = '\0';
	return fgets(line, sizeof(line), maps) != NULL &&
	    sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %4095[^\n]", &area->start, &area->end, area->permissions, &area->position,
		&area->major, &area->minor, &area->inode, area->name) >= 7;
}

/* The first mapping of [at, end), if all that are there continue it as one shared mapping of a file. */
static int
find_area(FILE *maps, uint64_t at, uint64_t end, struct area *first)
{
	static const struct area none;
	struct area area;
	int result = EFAULT;

	*first = none;
	while (at < end && next_area(maps, &area)) {
		if (area.end <= at)
			continue;
		if (area.start > at || strncmp(area.permissions, "rw", 2) != 0)
			return EFAULT;
		if (first->end == 0) {
			*first = area;
			result = 0;
		}
		if (area.permissions[3] != 's' || area.inode != first->inode || area.major != first->major || area.minor != first->minor ||
		    area.position != first->position + (area.start - first->start))
			result = EOPNOTSUPP;
		at = area.end;
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
	FILE *maps = fopen("/proc/self/maps", "re");
	struct area area;
	int result;

	if (maps == NULL)
		return EOPNOTSUPP;
	result = find_area(maps, address, length > UINT64_MAX - address ? UINT64_MAX : address + length, &area);
	fclose(maps);
	if (result != 0)
		return result;
	*offset = area.position + (address - area.start);
	*fd = open_area(&area);
	return *fd >= 0 ? 0 : EOPNOTSUPP;
}
