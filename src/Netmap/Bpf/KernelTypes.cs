using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Netmap.Bpf;

/// <summary>Where a member lies in its structure.</summary>
/// <param name="Bit">From the structure's first bit on; in a byte, bit 0 is the lowest.</param>
/// <param name="Bits">Width of a bit field, 0 for what is none.</param>
internal readonly record struct KernelMember(int Bit, int Bits)
{
    public int Byte => Bit / 8;
}

/// <summary>
/// Where members of the running kernel's structures lie, and the numbers of its functions, from its own description (BTF,
/// the kernel's Documentation/bpf/btf.rst).
/// </summary>
internal sealed class KernelTypes
{
    private const string Path = "/sys/kernel/btf/vmlinux";
    private const ushort Magic = 0xeb9f;

    private const int Structure = 4;
    private const int Union = 5;
    private const int Function = 12;

    private readonly byte[] _bytes;
    private readonly btf_header _header;

    /// <summary>Where each type begins; the first has the number 1.</summary>
    private readonly List<int> _places = [];

    public KernelTypes(byte[] btf)
    {
        _bytes = btf;
        if (!MemoryMarshal.TryRead(btf, out _header) || _header.Magic != Magic || Types.Length == 0)
            throw new InvalidDataException("not BTF of this machine's byte order");
        int at = 0;
        while (MemoryMarshal.TryRead(Types[at..], out btf_type type))
        {
            _places.Add(at);
            at = Math.Min(at + type.Bytes, Types.Length);
        }
    }

    private ReadOnlySpan<byte> Types => Section(_header.TypeOffset, _header.TypeBytes);

    private ReadOnlySpan<byte> Names => Section(_header.NameOffset, _header.NameBytes);

    /// <summary>The running kernel's; null where it was built without (CONFIG_DEBUG_INFO_BTF).</summary>
    public static KernelTypes? Running() => File.Exists(Path) ? new(File.ReadAllBytes(Path)) : null;

    /// <summary>Byte offset of a structure's own member, or null where there is none of that name.</summary>
    public int? Offset(string structure, string member) => Member(structure, member)?.Byte;

    /// <summary>A structure's own member, or one of the nameless structures and unions in it; null where there is none of that name.</summary>
    public KernelMember? Member(string structure, string member)
    {
        if (NameOf(structure) is not { } structureName || NameOf(member) is not { } memberName)
            return null;
        foreach (int at in _places)
        {
            if (TypeAt(at) is { Kind: Structure } type && type.Name == structureName && MemberIn(at, memberName) is { } found)
                return found;
        }
        return null;
    }

    /// <summary>The number by which programs call a function of the kernel, or null where there is none of that name.</summary>
    public int? FunctionId(string function)
    {
        if (NameOf(function) is not { } name)
            return null;
        int place = _places.FindIndex(at => TypeAt(at) is { Kind: Function } type && type.Name == name);
        return place < 0 ? null : place + 1;
    }

    private btf_type TypeAt(int place) => MemoryMarshal.Read<btf_type>(Types[place..]);

    private KernelMember? MemberIn(int place, uint name)
    {
        btf_type type = TypeAt(place);
        if (type.Kind is not (Structure or Union))
            return null;
        ReadOnlySpan<btf_member> members = MemoryMarshal.Cast<byte, btf_member>(
            Types.Slice(place + Unsafe.SizeOf<btf_type>(), type.Count * Unsafe.SizeOf<btf_member>()));
        foreach (btf_member member in members)
        {
            // With bit fields about, the upper byte is a width.
            int bit = (int)(type.HasBitFields ? member.Offset & 0xffffff : member.Offset);
            if (member.Name == name)
                return new(bit, type.HasBitFields ? (int)(member.Offset >> 24) : 0);
            if (member.Name == 0 && member.Type - 1 < _places.Count && MemberIn(_places[(int)member.Type - 1], name) is { } inner)
                return inner with { Bit = inner.Bit + bit };
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

    private readonly record struct btf_member(uint Name, uint Type, uint Offset);

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
            Structure or Union or 15 or 19 => Count * Unsafe.SizeOf<btf_member>(),
            6 or 13 => Count * 8,
            _ => 0,
        };
    }
}
