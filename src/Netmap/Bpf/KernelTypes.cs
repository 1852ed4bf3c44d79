using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Netmap.Bpf;

/// <summary>
/// Where members of the running kernel's structures lie, and the numbers of its functions, from its own description (BTF,
/// the kernel's Documentation/bpf/btf.rst).
/// </summary>
internal sealed class KernelTypes
{
    private const string Path = "/sys/kernel/btf/vmlinux";
    private const ushort Magic = 0xeb9f;

    private const int Structure = 4;
    private const int Function = 12;
    private const int MemberBytes = 12;

    private readonly byte[] _bytes;
    private readonly btf_header _header;

    public KernelTypes(byte[] btf)
    {
        _bytes = btf;
        if (!MemoryMarshal.TryRead(btf, out _header) || _header.Magic != Magic || Types.Length == 0)
            throw new InvalidDataException("not BTF of this machine's byte order");
    }

    private ReadOnlySpan<byte> Types => Section(_header.TypeOffset, _header.TypeBytes);

    private ReadOnlySpan<byte> Names => Section(_header.NameOffset, _header.NameBytes);

    /// <summary>The running kernel's; null where it was built without (CONFIG_DEBUG_INFO_BTF).</summary>
    public static KernelTypes? Running() => File.Exists(Path) ? new(File.ReadAllBytes(Path)) : null;

    /// <summary>Byte offset of a structure's own member, or null where there is none of that name.</summary>
    public int? Offset(string structure, string member)
    {
        if (NameOf(structure) is not { } structureName || NameOf(member) is not { } memberName)
            return null;
        for (ReadOnlySpan<byte> rest = Types; MemoryMarshal.TryRead(rest, out btf_type type); rest = rest[Math.Min(type.Bytes, rest.Length)..])
        {
            if (type.Kind == Structure && type.Name == structureName && OffsetIn(rest, type, memberName) is { } offset)
                return offset;
        }
        return null;
    }

    /// <summary>The number by which programs call a function of the kernel, or null where there is none of that name.</summary>
    public int? FunctionId(string function)
    {
        if (NameOf(function) is not { } name)
            return null;
        int id = 1;
        for (ReadOnlySpan<byte> rest = Types; MemoryMarshal.TryRead(rest, out btf_type type); rest = rest[Math.Min(type.Bytes, rest.Length)..], id++)
        {
            if (type.Kind == Function && type.Name == name)
                return id;
        }
        return null;
    }

    private static int? OffsetIn(ReadOnlySpan<byte> bytes, btf_type type, uint member)
    {
        for (int i = 0; i < type.Count; i++)
        {
            ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(bytes.Slice(Unsafe.SizeOf<btf_type>() + (i * MemberBytes), MemberBytes));
            // With bit fields about, the upper byte is a width.
            if (words[0] == member)
                return (int)((type.HasBitFields ? words[2] & 0xffffff : words[2]) / 8);
        }
        return null;
    }

    private ReadOnlySpan<byte> Section(uint offset, uint length) =>
        _header.HeaderBytes + (long)offset + length <= _bytes.Length ? _bytes.AsSpan((int)(_header.HeaderBytes + offset), (int)length) : [];

    /// <summary>A name's place among the names: each is there once.</summary>
    private uint? NameOf(string name)
    {
        int at = Names.IndexOf(Encoding.ASCII.GetBytes($"\0{name}\0"));
        return at < 0 ? null : (uint)at + 1;
    }

    private readonly record struct btf_header(ushort Magic, byte Version, byte Flags, uint HeaderBytes, uint TypeOffset, uint TypeBytes, uint NameOffset, uint NameBytes);

    private readonly record struct btf_type(uint Name, uint Info, uint SizeOrType)
    {
        public int Kind => (int)(Info >> 24) & 0x1f;

        public int Count => (int)(Info & 0xffff);

        public bool HasBitFields => Info >> 31 != 0;

        /// <summary>With what follows it, by its kind.</summary>
        public int Bytes => Unsafe.SizeOf<btf_type>() + Kind switch
        {
            1 or 14 or 17 => 4,
            3 => 12,
            Structure or 5 or 15 or 19 => Count * MemberBytes,
            6 or 13 => Count * 8,
            _ => 0,
        };
    }
}
