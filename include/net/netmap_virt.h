/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers of the two PCI devices through which a hypervisor shows netmap ports to its guests. Netmap.NET has no such devices: the
 * numbers are here so that programs that name them compile. Written anew; names and values are those of netmap.
 */
#ifndef NETMAP_VIRT_H
#define NETMAP_VIRT_H

/* Both devices on the PCI bus. */
#define PTNETMAP_MEMDEV_NAME	"ptnetmap-memdev"
#define PTNETMAP_PCI_VENDOR_ID	0x1b36
#define PTNETMAP_PCI_DEVICE_ID	0x000c	/* the memory */
#define PTNETMAP_PCI_NETIF_ID	0x000d	/* the interface */
#define PTNETMAP_IO_PCI_BAR	0
#define PTNETMAP_MEM_PCI_BAR	1
#define PTNETMAP_MSIX_PCI_BAR	2

/* Registers of the memory, 32 bits each: its size and id, then place, count and size of objects of the three pools. */
#define PTNET_MDEV_IO_MEMSIZE_LO	0
#define PTNET_MDEV_IO_MEMSIZE_HI	4
#define PTNET_MDEV_IO_MEMID		8
#define PTNET_MDEV_IO_IF_POOL_OFS	64
#define PTNET_MDEV_IO_IF_POOL_OBJNUM	68
#define PTNET_MDEV_IO_IF_POOL_OBJSZ	72
#define PTNET_MDEV_IO_RING_POOL_OFS	76
#define PTNET_MDEV_IO_RING_POOL_OBJNUM	80
#define PTNET_MDEV_IO_RING_POOL_OBJSZ	84
#define PTNET_MDEV_IO_BUF_POOL_OFS	88
#define PTNET_MDEV_IO_BUF_POOL_OBJNUM	92
#define PTNET_MDEV_IO_BUF_POOL_OBJSZ	96
#define PTNET_MDEV_IO_END		100

/* Registers of the interface. */
#define PTNETMAP_F_VNET_HDR	1	/* a bit of PTFEAT */
#define PTNET_IO_PTFEAT		0
#define PTNET_IO_PTCTL		4
#define PTNET_IO_MAC_LO		8
#define PTNET_IO_MAC_HI		12
#define PTNET_IO_CSBBAH		16	/* no longer used */
#define PTNET_IO_CSBBAL		20	/* no longer used */
#define PTNET_IO_NIFP_OFS	24
#define PTNET_IO_NUM_TX_RINGS	28
#define PTNET_IO_NUM_RX_RINGS	32
#define PTNET_IO_NUM_TX_SLOTS	36
#define PTNET_IO_NUM_RX_SLOTS	40
#define PTNET_IO_VNET_HDR_LEN	44
#define PTNET_IO_HOSTMEMID	48
#define PTNET_IO_CSB_GH_BAH	52	/* indices, guest to host */
#define PTNET_IO_CSB_GH_BAL	56
#define PTNET_IO_CSB_HG_BAH	60	/* and back */
#define PTNET_IO_CSB_HG_BAL	64
#define PTNET_IO_END		68
#define PTNET_IO_KICK_BASE	128
#define PTNET_IO_MASK		0xff

/* What PTCTL takes: start and stop the loop that serves the rings. */
#define PTNETMAP_PTCTL_CREATE	1
#define PTNETMAP_PTCTL_DELETE	2

#endif /* NETMAP_VIRT_H */
