using System.Globalization;
using Netmap.Interop;

namespace Netmap.Control;

/// <summary>From an address of this process to the file that is mapped there (proc(5), /proc/self/maps).</summary>
internal static unsafe class OwnMappings
{
    /// <param name="address">First byte.</param>
    /// <param name="bytes">How many; they may lie in several mappings, if these continue each other.</param>
    /// <param name="offset">Where in the file the first byte is.</param>
    /// <param name="problem">EFAULT not all of it is mapped, for reading and writing; EOPNOTSUPP no shared mapping of one file.</param>
    /// <returns>The file, open for reading and writing, for the caller to close; null with <paramref name="problem"/>.</returns>
    public static SafeDescriptor? Find(ulong address, ulong bytes, out long offset, out Errno problem)
    {
        (offset, problem) = (0, Errno.Success);
        Mapping? first = null;
        ulong at = address;
        ulong end = address > ulong.MaxValue - bytes ? ulong.MaxValue : address + bytes;
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            if (at >= end && first is not null)
                break;
            Mapping here = Mapping.Parse(line);
            if (here.End <= at)
                continue;
            if (here.Start > at || !here.Permissions.StartsWith("rw", StringComparison.Ordinal))
                break;
            first ??= here;
            if (here.Permissions[3] != 's' || !here.Continues(first))
                problem = Errno.EOPNOTSUPP;
            at = here.End;
        }
        if (first is null || at < end)
            problem = Errno.EFAULT;
        if (problem != Errno.Success)
            return null;
        offset = first!.Offset + (long)(address - first.Start);
        SafeDescriptor? file = first.Open();
        problem = file is null ? Errno.EOPNOTSUPP : Errno.Success;
        return file;
    }

    private sealed record Mapping(ulong Start, ulong End, string Permissions, long Offset, string Device, ulong Inode, string Name)
    {
        public static Mapping Parse(string line)
        {
            string[] words = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
            string[] range = words[0].Split('-');
            return new(Hex(range[0]), Hex(range[1]), words[1], (long)Hex(words[2]), words[3],
                ulong.Parse(words[4], CultureInfo.InvariantCulture), words.Length > 5 ? words[5] : "");
        }

        /// <summary>The same file goes on here where it should.</summary>
        public bool Continues(Mapping first) =>
            Inode == first.Inode && Device == first.Device && Offset == first.Offset + (long)(Start - first.Start);

        /// <summary>
        /// The file: by the kernel's own name for the mapping, which takes CAP_SYS_ADMIN; by its name, which it may have lost or never had; or
        /// as another descriptor of this process.
        /// </summary>
        public SafeDescriptor? Open()
        {
            string[] names = [string.Create(CultureInfo.InvariantCulture, $"/proc/self/map_files/{Start:x}-{End:x}"), Name,
                .. Directory.EnumerateFileSystemEntries("/proc/self/fd")];
            foreach (string name in names.Where(IsIt))
            {
                SysResult opened = Fcntl.open(name, Fcntl.O_RDWR | Fcntl.O_CLOEXEC);
                if (!opened.IsError)
                    return new SafeDescriptor(opened.Int32);
            }
            return null;
        }

        private bool IsIt(string name)
        {
            statx found;
            return name.StartsWith('/') && !SysStat.statx(name, &found).IsError && found.stx_ino == Inode
                && string.Create(CultureInfo.InvariantCulture, $"{found.stx_dev_major:x2}:{found.stx_dev_minor:x2}") == Device;
        }

        private static ulong Hex(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
