using Netmap.Interop;

namespace Netmap.Control;

/// <summary>The file behind memory that a request lends (EXTMEM).</summary>
/// <param name="Fd">Open on it for reading and writing, the requester's; -1 with <paramref name="Problem"/>.</param>
/// <param name="Offset">Where the memory begins in the file.</param>
/// <param name="Problem">EFAULT the memory is not there, EOPNOTSUPP no file is behind it.</param>
/// <param name="MustStay">Only memory that cannot be taken away again: the requester is not trusted.</param>
internal sealed record LentDescriptor(int Fd, long Offset, Errno Problem = Errno.Success, bool MustStay = false);
