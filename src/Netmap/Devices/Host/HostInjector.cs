using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Devices.Host;

/// <summary>
/// A packet socket whose frames turn round at the egress hook and reach the host's stack, before the call returns. The
/// kernel copies them straight from the slots. A TCP super-frame that came scattered over slots goes up as one, as a NIC
/// that merges segments would give it.
/// </summary>
internal sealed unsafe class HostInjector : IHostTxQueue, IDisposable
{
    private const int MostFrames = 256;
    private const int MostVectors = 3 * MostFrames;
    private const int SendBufferBytes = 8 << 20;

    private readonly IHostInterface _device;
    private readonly SafeDescriptor _socket;
    private readonly int[] _lengths = new int[MostFrames];
    private mmsghdr* _messages;
    private iovec* _vectors;
    private virtio_net_hdr* _headers;

    private HostInjector(IHostInterface device, SafeDescriptor socket)
    {
        (_device, _socket) = (device, socket);
        _messages = (mmsghdr*)NativeMemory.AllocZeroed(MostFrames, (nuint)sizeof(mmsghdr));
        _vectors = (iovec*)NativeMemory.AllocZeroed(MostVectors, (nuint)sizeof(iovec));
        _headers = (virtio_net_hdr*)NativeMemory.AllocZeroed(MostFrames, (nuint)sizeof(virtio_net_hdr));
    }

    /// <param name="device">The interface, in the calling thread's namespace.</param>
    /// <param name="mark">Makes the frames turn round.</param>
    /// <param name="error">EPERM without CAP_NET_ADMIN.</param>
    public static HostInjector? TryOpen(IHostInterface device, uint mark, out Errno error)
    {
        SysResult fd = SysSocket.socket(SysSocket.AF_PACKET, SysSocket.SOCK_RAW | SysSocket.SOCK_CLOEXEC, 0);
        error = fd.Errno;
        if (fd.IsError)
            return null;
        SafeDescriptor socket = new(fd.Int32);
        sockaddr_ll address = new() { sll_family = SysSocket.AF_PACKET, sll_ifindex = device.InterfaceIndex };
        error = SysSocket.bind(socket.Fd, &address, (uint)sizeof(sockaddr_ll)).Errno;
        if (error == Errno.Success)
            error = SysSocket.setsockopt(socket.Fd, SysSocket.SOL_SOCKET, AsmSocket.SO_MARK, (int)mark).Errno;
        if (error == Errno.Success)
            error = SysSocket.setsockopt(socket.Fd, SysSocket.SOL_PACKET, LinuxIfPacket.PACKET_VNET_HDR, 1).Errno;
        if (error == Errno.Success)
            // Frames count until the stack has taken them: a burst must fit.
            error = SysSocket.setsockopt(socket.Fd, SysSocket.SOL_SOCKET, SysSocket.SO_SNDBUFFORCE, SendBufferBytes).Errno;
        if (error == Errno.Success)
            return new(device, socket);
        socket.Dispose();
        return null;
    }

    public Errno Inject(ReadOnlySpan<FramePart> parts, RingCounters counters)
    {
        Errno result = Errno.Success;
        int frames = 0;
        int vectors = 0;
        bool inside = false;
        foreach (FramePart part in parts)
        {
            if (!inside)
            {
                if (frames == MostFrames || vectors + 1 + NetmapH.NETMAP_MAX_FRAGS > MostVectors)
                {
                    Send(frames, counters, ref result);
                    (frames, vectors) = (0, 0);
                }
                Begin(frames, ref vectors);
            }
            _vectors[vectors++] = new() { iov_base = part.Data, iov_len = (nuint)part.Length };
            _messages[frames].msg_hdr.msg_iovlen++;
            _lengths[frames] += part.Length;
            inside = part.More;
            frames += inside ? 0 : 1;
        }
        Send(frames, counters, ref result);
        return result;
    }

    public void Dispose()
    {
        _socket.Dispose();
        NativeMemory.Free(_messages);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_headers);
        _messages = null;
        _vectors = null;
        _headers = null;
    }

    private void Begin(int frame, ref int vectors)
    {
        _lengths[frame] = 0;
        _messages[frame].msg_hdr.msg_iov = _vectors + vectors;
        _messages[frame].msg_hdr.msg_iovlen = 1;
        _vectors[vectors++] = new() { iov_base = _headers + frame, iov_len = (nuint)sizeof(virtio_net_hdr) };
    }

    private void Send(int count, RingCounters counters, ref Errno result)
    {
        for (int i = 0; i < count; i++)
            Describe(i);
        int done = 0;
        while (done < count)
        {
            SysResult sent = SysSocket.sendmmsg(_socket.Fd, _messages + done, (uint)(count - done), SysSocket.MSG_DONTWAIT);
            for (int i = sent.IsError ? 0 : sent.Int32; i > 0; i--, done++)
            {
                counters.Packets++;
                counters.Bytes += _lengths[done];
            }
            if (sent.IsError && Lost(sent.Errno, count - done, counters, ref result) is var lost)
                done += lost;
        }
    }

    /// <summary>The first of <paramref name="left"/> frames was refused; how many are lost by that.</summary>
    private int Lost(Errno error, int left, RingCounters counters, ref Errno result)
    {
        if (error is Errno.ENETDOWN or Errno.ENXIO or Errno.ENODEV)
        {
            Errno link = _device.LinkError();
            result = link == Errno.Success ? error : link;
            counters.Drop(error == Errno.ENETDOWN ? DropReason.LinkDown : DropReason.DeviceGone, left);
            return left;
        }
        counters.Drop(error switch
        {
            Errno.EMSGSIZE => DropReason.ExceedsMtu,
            Errno.ENOBUFS or Errno.EAGAIN or Errno.ENOMEM => DropReason.NoBuffers,
            _ => DropReason.Rejected,
        });
        return 1;
    }

    /// <summary>
    /// Tells the kernel of what offloads left in the frame: a checksum not complete, as a local peer sends it to an XDP
    /// program; a TCP frame longer than the MTU, which is otherwise taken for a mistake.
    /// </summary>
    [SkipLocalsInit]
    private void Describe(int frame)
    {
        _headers[frame] = default;
        iovec first = _messages[frame].msg_hdr.msg_iov[1];
        // The slots are the program's to write to, all along.
        HeaderCopy headers = new((byte*)first.iov_base, (int)first.iov_len);
        FrameLook look = FrameLook.At(ref headers, _lengths[frame]);
        FrameLook lacking = look.FindLacking();
        if (lacking.Protocol != 0)
        {
            _headers[frame].flags = LinuxVirtioNet.VIRTIO_NET_HDR_F_NEEDS_CSUM;
            _headers[frame].csum_start = (ushort)lacking.L4;
            _headers[frame].csum_offset = (ushort)lacking.ChecksumOffset;
        }
        if (_lengths[frame] <= _device.LongestFrame || look.Protocol != LinuxIn.IPPROTO_TCP || _device.MaySend(_lengths[frame] - look.Tags)
            || !Segmenter.TryPlanAt(headers.First(Segmenter.LongestHeaders), new() { OuterL3 = look.L3, L3 = look.L3, IsTcp = true },
                ushort.MaxValue, out Segments plan))
            return;
        _headers[frame].gso_type = look.IsIpv4 ? LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV4 : LinuxVirtioNet.VIRTIO_NET_HDR_GSO_TCPV6;
        _headers[frame].hdr_len = (ushort)plan.Headers;
        _headers[frame].gso_size = (ushort)(_device.LongestFrame + look.Tags - plan.Headers);
    }
}
