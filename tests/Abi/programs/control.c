/* Binds ring 0 exclusively with NIOCCTRL and walks the extra buffers: control IFACE. */
#include <net/netmap_user.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

int
main(int argc, char **argv)
{
	struct nmreq_register reg = { .nr_mode = NR_REG_ONE_NIC, .nr_flags = NR_EXCLUSIVE, .nr_extra_bufs = 8 };
	struct nmreq_header hdr = { .nr_version = NETMAP_API, .nr_reqtype = NETMAP_REQ_REGISTER };
	struct netmap_ring *ring;
	struct netmap_if *nifp;
	uint32_t extra;
	int fd = open("/dev/netmap", O_RDWR);
	void *mem;

	snprintf(hdr.nr_name, sizeof(hdr.nr_name), "%s", argc > 1 ? argv[1] : "eth0");
	hdr.nr_body = (uintptr_t)&reg;
	if (fd < 0 || ioctl(fd, NIOCCTRL, &hdr) < 0)
		return 1;
	mem = mmap(NULL, reg.nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return 1;
	nifp = NETMAP_IF(mem, reg.nr_offset);
	ring = NETMAP_TXRING(nifp, 0);
	for (extra = nifp->ni_bufs_head; extra != 0; extra = *(uint32_t *)(void *)NETMAP_BUF(ring, extra))
		printf("buffer %u is %ld\n", extra, (long)NETMAP_BUF_IDX(ring, NETMAP_BUF(ring, extra)));
	NETMAP_WOFFSET(ring, &ring->slot[0], 0);
	return NETMAP_BUF_OFFSET(ring, &ring->slot[0]) > (char *)mem + reg.nr_memsize || NS_RFRAGS(&ring->slot[0]) != 0;
}
