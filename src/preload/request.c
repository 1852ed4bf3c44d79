/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * ioctl: the argument with all it points to becomes an image, and the answer's image goes back over it. The program's
 * pointers may be anything, so the kernel does the copying (process_vm_readv(2)) and bad ones are EFAULT.
 */
#include "shim.h"

#include <net/netmap.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define SHARE_MAX	4096	/* bytes of users and an owner */
#define OPTIONS_MAX	64	/* an image has room for fewer */

struct part {
	uint64_t address;	/* in the program */
	uint32_t offset, length;	/* in the image */
};

struct image {
	uint8_t bytes[NMS_REQUEST_MAX] __attribute__((aligned(8)));
	uint32_t length;
	struct part header, body, options[OPTIONS_MAX];
	int option_count;
	int descriptors[NMS_DESCRIPTORS_MAX];
	int descriptor_count;
	int extmem;
	bool extmem_missing;
	uint64_t extmem_offset;
};

int
copy_in(void *to, uint64_t address, size_t length)
{
	struct iovec here = { to, length }, there = { (void *)(uintptr_t)address, length };

	return length == 0 || process_vm_readv(getpid(), &here, 1, &there, 1, 0) == (ssize_t)length ? 0 : EFAULT;
}

static int
copy_out(uint64_t address, const void *from, size_t length)
{
	struct iovec here = { (void *)from, length }, there = { (void *)(uintptr_t)address, length };

	return length == 0 || process_vm_writev(getpid(), &here, 1, &there, 1, 0) == (ssize_t)length ? 0 : EFAULT;
}

/* Takes a piece of the program's memory into the image. */
static int
take(struct image *image, struct part *part, uint64_t address, size_t length)
{
	size_t room = sizeof(image->bytes) - sizeof(struct nms_header) - sizeof(struct nms_ioctl);

	image->length = (image->length + 7) & ~7u;
	if (length > room || image->length > room - length)
		return EMSGSIZE;
	*part = (struct part){ address, image->length, (uint32_t)length };
	image->length += (uint32_t)length;
	return copy_in(image->bytes + part->offset, address, length);
}

static size_t
body_size(uint16_t type)
{
	switch (type) {
	case NETMAP_REQ_REGISTER: return sizeof(struct nmreq_register);
	case NETMAP_REQ_PORT_INFO_GET: return sizeof(struct nmreq_port_info_get);
	case NETMAP_REQ_VALE_ATTACH: return sizeof(struct nmreq_vale_attach);
	case NETMAP_REQ_VALE_DETACH: return sizeof(struct nmreq_vale_detach);
	case NETMAP_REQ_VALE_LIST: return sizeof(struct nmreq_vale_list);
	case NETMAP_REQ_PORT_HDR_SET:
	case NETMAP_REQ_PORT_HDR_GET: return sizeof(struct nmreq_port_hdr);
	case NETMAP_REQ_VALE_NEWIF: return sizeof(struct nmreq_vale_newif);
	case NETMAP_REQ_VALE_POLLING_ENABLE:
	case NETMAP_REQ_VALE_POLLING_DISABLE: return sizeof(struct nmreq_vale_polling);
	case NETMAP_REQ_POOLS_INFO_GET: return sizeof(struct nmreq_pools_info);
	case NETMAP_REQ_SYNC_KLOOP_START: return sizeof(struct nmreq_sync_kloop_start);
	default: return 0;
	}
}

static size_t
option_size(const struct nmreq_option *option)
{
	switch (option->nro_reqtype) {
	case NETMAP_REQ_OPT_EXTMEM: return sizeof(struct nmreq_opt_extmem);
	case NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS:
		return option->nro_size < sizeof(*option) || option->nro_size > NETMAP_REQ_MAXSIZE ? sizeof(*option) : option->nro_size;
	case NETMAP_REQ_OPT_CSB: return sizeof(struct nmreq_opt_csb);
	case NETMAP_REQ_OPT_SYNC_KLOOP_MODE: return sizeof(struct nmreq_opt_sync_kloop_mode);
	case NETMAP_REQ_OPT_OFFSETS: return sizeof(struct nmreq_opt_offsets);
	default: return sizeof(*option);
	}
}

/* Descriptors in the option travel beside the message; their places stand in the image. */
static int
take_eventfds(struct image *image, const struct part *part)
{
	int *fds = (int *)(void *)(image->bytes + part->offset + sizeof(struct nmreq_option));
	size_t count = (part->length - sizeof(struct nmreq_option)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		if (image->descriptor_count == NMS_DESCRIPTORS_MAX - 1)
			return EMFILE;
		image->descriptors[image->descriptor_count] = fds[i];
		fds[i] = image->descriptor_count++;
	}
	return 0;
}

static void
take_extmem(struct image *image, const struct part *part)
{
	const struct nmreq_opt_extmem *option = (const void *)(image->bytes + part->offset);

	image->extmem_missing = memory_backing(option->nro_usrptr, option->nro_info.nr_memsize, &image->extmem_offset, &image->extmem) == EFAULT;
}

static int
take_options(struct image *image, uint64_t address)
{
	uint64_t *link = &((struct nmreq_header *)(void *)image->bytes)->nr_options;

	while (address != 0) {
		struct nmreq_option header;
		struct part *part = &image->options[image->option_count];
		struct nmreq_option *taken;
		int error = image->option_count == OPTIONS_MAX ? EMSGSIZE : copy_in(&header, address, sizeof(header));

		if (error == 0)
			error = take(image, part, address, option_size(&header));
		if (error == EMSGSIZE) {
			/* Too long for any server: it says so. */
			*link = NMS_LIST_GOES_ON;
			return 0;
		}
		if (error != 0)
			return error;
		image->option_count++;
		*link = part->offset;
		taken = (void *)(image->bytes + part->offset);
		if (taken->nro_reqtype == NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS)
			error = take_eventfds(image, part);
		else if (taken->nro_reqtype == NETMAP_REQ_OPT_EXTMEM && image->extmem < 0)
			take_extmem(image, part);
		if (error != 0)
			return error;
		address = taken->nro_next;
		taken->nro_next = 0;
		link = &taken->nro_next;
	}
	return 0;
}

static int
take_control(struct image *image, uint64_t address)
{
	struct nmreq_header *header = (void *)image->bytes;
	int error = take(image, &image->header, address, sizeof(*header));
	uint64_t body, options;

	if (error != 0)
		return error;
	body = header->nr_body;
	options = header->nr_options;
	header->nr_body = header->nr_options = 0;
	if (body != 0) {
		error = take(image, &image->body, body, body_size(header->nr_reqtype));
		if (error != 0)
			return error;
		/* A request that takes no body is refused for having one: the server must see that. */
		header->nr_body = image->body.offset;
	}
	return take_options(image, options);
}

/* The answer back over what it came from; the program's pointers and descriptors stay its own. */
static int
give_back(const struct image *image, const uint8_t *answer, bool control, int result)
{
	int error = 0;

	if (!control)
		return copy_out(image->header.address, answer, image->header.length) != 0 ? EFAULT : result;
	/* Everything of the header before its two pointers. */
	error |= copy_out(image->header.address, answer, offsetof(struct nmreq_header, nr_options));
	if (result == 0)
		error |= copy_out(image->body.address, answer + image->body.offset, image->body.length);
	for (int i = 0; i < image->option_count; i++) {
		const struct part *part = &image->options[i];
		const struct nmreq_option *option = (const void *)(answer + part->offset);
		size_t from = offsetof(struct nmreq_option, nro_reqtype), to = sizeof(*option);

		if (result == 0 && option->nro_status == 0 && option->nro_reqtype != NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS)
			to = part->length;
		error |= copy_out(part->address + from, answer + part->offset + from, to - from);
	}
	return error != 0 ? EFAULT : result;
}

/* Whether the request would bind a port to the file. */
static bool
binds(const struct image *image, uint32_t number)
{
	if (number == NIOCCTRL)
		return ((const struct nmreq_header *)(const void *)image->bytes)->nr_reqtype == NETMAP_REQ_REGISTER;
	return number == NIOCREGIF && ((const struct nmreq *)(const void *)image->bytes)->nr_cmd == 0;
}

/* Before a port is bound: with whom it is shared, and whose port it may be, as the environment says. */
static int
share(struct session *session, uint8_t *answer)
{
	const char *users = getenv(NMS_SHARE_VARIABLE), *owner = getenv(NMS_OWNER_VARIABLE);
	struct iovec parts[3] = { { NULL, 0 }, { (void *)"\n", 1 }, { NULL, 0 } };
	struct request request = {
		.type = NMS_SHARE, .parts = parts, .part_count = 3, .answer = answer, .answer_size = NMS_ANSWER_MAX,
	};

	if (users == NULL && owner == NULL)
		return 0;
	if (users != NULL)
		parts[0] = (struct iovec){ (void *)users, strlen(users) };
	if (owner != NULL)
		parts[2] = (struct iovec){ (void *)owner, strlen(owner) };
	if (parts[0].iov_len + parts[2].iov_len > SHARE_MAX)
		return EINVAL;
	return session_ask(session, &request);
}

static int
ask(struct session *session, uint32_t number, struct image *image, uint8_t *answer)
{
	struct nms_ioctl head = { .request = number, .image_length = image->length };
	struct iovec parts[2] = { { &head, sizeof(head) }, { image->bytes, image->length } };
	struct request request = {
		.type = NMS_IOCTL, .parts = parts, .part_count = 2, .descriptors = image->descriptors,
		.answer = answer, .answer_size = NMS_ANSWER_MAX,
	};
	int result;

	/* After all others: the server looks for it at the end. */
	if (image->extmem >= 0) {
		image->descriptors[image->descriptor_count++] = image->extmem;
		head.flags = NMS_IOCTL_EXTMEM;
		head.extmem_offset = image->extmem_offset;
	} else if (image->extmem_missing) {
		head.flags = NMS_IOCTL_UNMAPPED;
	}
	request.descriptor_count = image->descriptor_count;
	request.answer_length = 0;
	result = binds(image, number) ? share(session, answer) : 0;
	if (result == 0)
		result = session_ask(session, &request);
	if (request.answer_length < sizeof(head) + image->length)
		image->length = 0;	/* nothing to give back: the session broke */
	return result;
}

static int
fill(struct image *image, uint32_t number, uint64_t address)
{
	image->length = 0;
	image->option_count = image->descriptor_count = 0;
	image->extmem = -1;
	image->extmem_missing = false;
	image->header = image->body = (struct part){ 0, 0, 0 };
	switch (number) {
	case NIOCCTRL:
		return address == 0 ? EINVAL : take_control(image, address);
	case NIOCREGIF:
	case NIOCGINFO:
		return address == 0 ? EINVAL : take(image, &image->header, address, sizeof(struct nmreq));
	case NIOCCONFIG:
		return address == 0 ? EINVAL : 0;
	default:
		return 0;
	}
}

/* A request and its answer: pages of their own, as threads may have small stacks, and malloc(3) is not for signal handlers. */
struct exchange {
	struct image image;
	uint8_t answer[NMS_ANSWER_MAX] __attribute__((aligned(8)));
};

static int
message_ioctl(struct session *session, uint32_t number, uint64_t address)
{
	struct exchange *exchange = REAL(mmap)(NULL, sizeof(*exchange), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct image *image = &exchange->image;
	int error;

	if (exchange == MAP_FAILED)
		return ENOMEM;
	error = fill(image, number, address);
	if (error == 0) {
		error = ask(session, number, image, exchange->answer);
		if (image->length > 0)
			error = give_back(image, exchange->answer + sizeof(struct nms_ioctl), number == NIOCCTRL, error);
	}
	if (image->extmem >= 0)
		REAL(close)(image->extmem);
	REAL(munmap)(exchange, sizeof(*exchange));
	return error;
}

int
file_ioctl(struct file *file, unsigned long request, void *argument)
{
	struct session *session = session_take(file);
	uint32_t number = (uint32_t)request;
	int error;

	if (session == NULL)
		return -1;
	if (number == NIOCTXSYNC || number == NIOCRXSYNC)
		error = NMS_ERRNO(session_sync(session, number == NIOCTXSYNC ? NMS_OP_TXSYNC : NMS_OP_RXSYNC, 0, 0));
	else
		error = message_ioctl(session, number, (uintptr_t)argument);
	session_give(session);
	if (error != 0) {
		errno = error;
		return -1;
	}
	return 0;
}
