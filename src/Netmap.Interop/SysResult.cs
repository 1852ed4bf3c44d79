using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Netmap.Interop;

/// <summary>
/// What a system call gave: a value of at least 0, or an error number. It carries the error by value so that the data
/// path never throws and nobody reads a stale <c>errno</c>.
/// </summary>
[NotAbi("a result type of this library")]
internal readonly struct SysResult
{
    private readonly long _value;

    private SysResult(long value) => _value = value;

    public bool IsError => _value < 0;

    public Errno Errno => _value < 0 ? (Errno)(-_value) : Errno.Success;

    /// <summary>The call's value; meaningful only when <see cref="IsError"/> is false.</summary>
    public long Value => _value;

    public int Int32 => (int)_value;

    public static SysResult Ok(long value) => new(value);

    public static SysResult Error(Errno errno) => new(-(long)errno);

    /// <summary>Wraps the return value of a libc call; call it directly after, before anything else can change errno.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static SysResult From(long returned) =>
        returned >= 0 ? new(returned) : new(-(long)Marshal.GetLastSystemError());

    public override string ToString() => IsError ? Errno.ToString() : _value.ToString();
}
