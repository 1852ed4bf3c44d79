/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a client and a netmap server say to each other: the messages and the page they share. docs/protocol.md tells the
 * story; the server's own structs are checked against this header by gcc.
 */
#ifndef NETMAP_PROTOCOL_H_
#define NETMAP_PROTOCOL_H_

#include <stdint.h>

#define NMS_MAGIC		0x4e4d5331u	/* first word of every message and page */
#define NMS_VERSION		1

#define NMS_DEFAULT_HOST	"/run/netmap/netmapd.sock"
#define NMS_HOST_VARIABLE	"NETMAP_HOST"	/* environment: a path, or @name for an abstract address */

#define NMS_RUNNER_VARIABLE	"NETMAP_RUNNER"	/* environment: the process whose program this is; it goes with it */
#define NMS_VERBOSE_VARIABLE	"NETMAP_VERBOSE"	/* environment: the shim says on standard error why it refuses a server */

#define NMS_REQUEST_MAX		8192		/* bytes of a request, this header included */
#define NMS_ANSWER_MAX		65536		/* bytes of an answer */
#define NMS_DESCRIPTORS_MAX	252		/* descriptors with one request */

/* types of messages; an answer has the type of its request */
#define NMS_ATTACH		1	/* on the connection, with one descriptor: our end of a session */
#define NMS_IOCTL		2	/* the rest on a session */
#define NMS_MAP			3
#define NMS_INFO		4	/* text: a port's name, or none for the file's own port; answer: text (JSON) */
#define NMS_STATISTICS		5	/* text: a switch's name, or none for the file's own port; answer: text (JSON) */
#define NMS_PARAMETER		6	/* text: "" all, "name", "name=value"; answer: text, one "name=value" a line */
#define NMS_STATUS		7	/* text: files to skip, or none; answer: text (JSON), the server's state; "more" files did not fit */
#define NMS_FILTER		8	/* what the port is to take from the host, before REGISTER: nms_filter, instructions, words */
#define NMS_PROBE		9	/* text: an interface; answer: text (JSON), what a port on it would be, and why */
#define NMS_SHARE		10	/* text, before REGISTER: who else may open the port, a line end, the user whose port it is; each may be empty */
#define NMS_SHARE_VARIABLE	"NETMAP_SHARE"	/* environment: the two lines of NMS_SHARE, for programs that cannot say them */
#define NMS_OWNER_VARIABLE	"NETMAP_OWNER"
#define NMS_SHARE_SWITCH	11	/* text: a switch's name, '=', who else may have ports on it (empty: its owner alone) */
#define NMS_WAKE		0x100	/* from the server, unasked: news of a ring, as armed; look again */
#define NMS_BYE			0x101	/* from the server, unasked: it ends now */
#define NMS_ANSWERED		0x102	/* from the server: the answer in the page that the client sleeps for is there */

/* the beginning of every message */
struct nms_header {
	uint32_t magic;
	uint16_t version;
	uint16_t type;
	uint32_t length;	/* bytes after this header */
	uint32_t result;	/* answers: 0 or an errno */
};

/* answer to NMS_ATTACH; descriptors: the page's memory (map NMS_PAGE_SIZE bytes shared), the doorbell (an eventfd) */
struct nms_attached {
	uint32_t spin_ns;	/* advice: spin this long for an answer before yielding */
	uint32_t yield_ns;	/* advice: yield this long before sleeping */
};

/*
 * NMS_IOCTL, and its answer. The image follows: the argument struct at offset 0 and all it points to, pointers replaced
 * by offsets into the image. The answer's image, of the same length, is what the kernel would have left there; after it
 * come the words of a refusal as UTF-8 text.
 */
struct nms_ioctl {
	uint32_t request;	/* NIOC* */
	uint32_t image_length;
	uint64_t extmem_offset;	/* of EXTMEM's memory in the file that is the last descriptor */
	uint32_t flags;		/* NMS_IOCTL_* */
	uint32_t spare;
};

#define NMS_IOCTL_EXTMEM	1	/* the last descriptor is the file behind EXTMEM's memory */
#define NMS_IOCTL_UNMAPPED	2	/* not all of EXTMEM's memory is mapped in the program */

/* value of nro_next where the list of options went on and did not fit */
#define NMS_LIST_GOES_ON	0xffffffffffffffffull

/*
 * NMS_MAP: asks for part of the region; answer: nms_map with the region's size in length, the file it lies in as
 * descriptor, and the part's place in the file in offset
 */
struct nms_map {
	uint64_t offset;
	uint64_t length;
};

/*
 * NMS_FILTER: a filter in the classic instruction set, for frames that begin with an Ethernet header, as pcap_compile makes it: count
 * times struct sock_filter of linux/filter.h, then words for people (UTF-8, the expression). None at all: every frame. The answer is
 * empty, or says in words what is wrong.
 */
struct nms_filter {
	uint32_t count;		/* instructions, at most NMS_FILTER_MAX */
	uint32_t spare;
};

#define NMS_FILTER_MAX		900

#define NMS_PAGE_SIZE		4096

/*
 * Shared by one session and the server. One request at a time: post is written once for each, done once for each answer,
 * both as one 64-bit word. post: sequence in the upper half, then NMS_OP, NMS_FLAG, poll bits (8, 8, 16 bits). done: the
 * sequence it answers in the upper half, then poll bits found and errno (16 bits each).
 */
struct nms_page {
	uint32_t magic;
	uint16_t version;
	uint16_t spare;
	uint8_t  pad0[120];
	/* written by the client */
	uint64_t post;
	uint32_t waiting;	/* the client is about to sleep until done or news moves: send NMS_ANSWERED, NMS_WAKE */
	uint8_t  pad1[116];
	/* written by the server */
	uint64_t done;
	uint32_t asleep;	/* the server does not look at this page: ring the doorbell */
	uint32_t news;		/* moves at the news that NMS_FLAG_LINGER asked for */
	uint8_t  pad2[112];
};

#define NMS_POST(sequence, op, flags, events) \
	(((uint64_t)(sequence) << 32) | ((uint64_t)(op) << 24) | ((uint64_t)(flags) << 16) | (uint16_t)(events))
#define NMS_SEQUENCE(word)	((uint32_t)((word) >> 32))
#define NMS_FOUND(done)		((uint16_t)((done) >> 16))
#define NMS_ERRNO(done)		((uint16_t)(done))

#define NMS_OP_TXSYNC		1
#define NMS_OP_RXSYNC		2
#define NMS_OP_POLL		3	/* sync as poll(2) does, and say what is ready */
#define NMS_FLAG_ARM		1	/* poll: when nothing is ready, send NMS_WAKE once there is news */
#define NMS_FLAG_LINGER		2	/* with ARM: move the page's news, and send NMS_WAKE only if the client is waiting */

#endif /* NETMAP_PROTOCOL_H_ */
