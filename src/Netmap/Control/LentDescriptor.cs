using Netmap.Interop;

namespace Netmap.Control;

/// <summary>The file behind memory that a request lends (EXTMEM).</summary>
/// <param name="Fd">Open on it for reading and writing, the requester's; -1 with <paramref name="Problem"/>.</param>
/// <param name="Offset">Where the memory begins in the file.</param>
/// <param name="Problem">EFAULT the memory is not there, EOPNOTSUPP no file is behind it.</param>
/// <param name="Admit">Asked with the file's descriptor and the bytes before the memory is used: throws when the host does not want it.</param>
internal sealed record LentDescriptor(int Fd, long Offset, Errno Problem = Errno.Success, Action<int>? Admit = null);
