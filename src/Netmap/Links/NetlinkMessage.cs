using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Netmap.Interop;

namespace Netmap.Links;

/// <summary>A netlink request under construction: header, fixed part, attributes (netlink(7), rtnetlink(7)).</summary>
internal sealed class NetlinkMessage
{
    private byte[] _bytes = new byte[256];
    private int _length = Unsafe.SizeOf<nlmsghdr>();

    /// <param name="type">RTM_*, or a family of generic netlink.</param>
    /// <param name="flags">NLM_F_*.</param>
    /// <param name="acknowledge">Success is answered too, as <see cref="NetlinkSocket"/> expects.</param>
    public NetlinkMessage(ushort type, ushort flags, bool acknowledge = true) => Header = new()
    {
        nlmsg_type = type,
        nlmsg_flags = (ushort)(flags | LinuxNetlink.NLM_F_REQUEST | (acknowledge ? LinuxNetlink.NLM_F_ACK : 0)),
    };

    private ref nlmsghdr Header => ref MemoryMarshal.AsRef<nlmsghdr>(_bytes.AsSpan());

    /// <summary>Tells its answers from those of other requests.</summary>
    public uint Sequence
    {
        set => Header.nlmsg_seq = value;
    }

    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            Header.nlmsg_len = (uint)_length;
            return _bytes.AsSpan(0, _length);
        }
    }

    /// <summary>The fixed part after the header, or after a nested attribute's header.</summary>
    public NetlinkMessage Body<T>(in T body)
        where T : unmanaged
    {
        Reserve(Unsafe.SizeOf<T>());
        MemoryMarshal.Write(_bytes.AsSpan(_length), body);
        _length += (Unsafe.SizeOf<T>() + 3) & ~3;
        return this;
    }

    public NetlinkMessage Attribute(ushort type, ReadOnlySpan<byte> value)
    {
        Reserve(4 + value.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_length), (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(_length + 2), type);
        value.CopyTo(_bytes.AsSpan(_length + 4));
        _length += (4 + value.Length + 3) & ~3;
        return this;
    }

    public NetlinkMessage Attribute(ushort type, string value) => Attribute(type, Encoding.UTF8.GetBytes(value + "\0"));

    public NetlinkMessage Attribute(ushort type, int value) => Attribute(type, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));

    /// <summary>An attribute that holds what <paramref name="content"/> adds.</summary>
    public NetlinkMessage Nest(ushort type, Action<NetlinkMessage> content)
    {
        int start = _length;
        Attribute((ushort)(type | LinuxNetlink.NLA_F_NESTED), []);
        content(this);
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(start), (ushort)(_length - start));
        return this;
    }

    /// <summary>Room for this many bytes and their padding; a name is as long as its caller likes, and the kernel refuses it.</summary>
    private void Reserve(int bytes)
    {
        if (_length + bytes + 3 > _bytes.Length)
            Array.Resize(ref _bytes, Math.Max(2 * _bytes.Length, _length + bytes + 3));
    }
}
