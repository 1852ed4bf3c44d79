namespace Netmap.Interop;

/// <summary>Error numbers of Linux on x86-64 and arm64 (<c>asm-generic/errno.h</c>). Success is 0.</summary>
[Abi("errno.h")]
internal enum Errno
{
    [NotAbiField("no error has no C name")]
    Success = 0,
    EPERM = 1,
    ENOENT = 2,
    ESRCH = 3,
    EINTR = 4,
    EIO = 5,
    ENXIO = 6,
    EBADF = 9,
    EAGAIN = 11,
    ENOMEM = 12,
    EACCES = 13,
    EFAULT = 14,
    EBUSY = 16,
    EEXIST = 17,
    ENODEV = 19,
    EINVAL = 22,
    ENFILE = 23,
    EMFILE = 24,
    ENOTTY = 25,
    EFBIG = 27,
    ENOSPC = 28,
    EROFS = 30,
    EPIPE = 32,
    ERANGE = 34,
    ENOSYS = 38,
    E2BIG = 7,
    ENODATA = 61,
    EPROTO = 71,
    EOVERFLOW = 75,
    EBADFD = 77,
    EMSGSIZE = 90,
    ENOPROTOOPT = 92,
    EPROTONOSUPPORT = 93,
    EOPNOTSUPP = 95,
    EAFNOSUPPORT = 97,
    EADDRINUSE = 98,
    ENETDOWN = 100,
    ENOBUFS = 105,
    ECONNRESET = 104,
    ETIMEDOUT = 110,
    ECONNREFUSED = 111,
    ECANCELED = 125,
}

/// <summary>An enum member without a C counterpart, with the reason.</summary>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class NotAbiFieldAttribute(string reason) : Attribute
{
    public string Reason { get; } = reason;
}
