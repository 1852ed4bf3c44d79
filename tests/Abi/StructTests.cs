using System.Reflection;
using System.Runtime.InteropServices;
using Netmap.Interop;

namespace Netmap.Tests.Abi;

/// <summary>Every struct and constant of the interop assembly against C headers, by gcc.</summary>
public sealed class StructTests
{
    public static TheoryData<string> Headers =>
        [.. AbiChecks.Types.Select(type => type.GetCustomAttribute<AbiAttribute>()?.Header).OfType<string>().Distinct().Order()];

    [Theory]
    [MemberData(nameof(Headers))]
    public void MatchTheHeader(string header)
    {
        Gcc.Require();
        Type[] types = [.. AbiChecks.Types.Where(type => type.GetCustomAttribute<AbiAttribute>()?.Header == header)];
        Assert.Null(Gcc.Check(AbiChecks.Program(header, types)));
    }

    [Fact]
    public void EveryMirrorNamesWhatItMirrors()
    {
        string[] silent = [.. AbiChecks.Types.Where(AbiChecks.MirrorsSomething)
            .Where(type => type.GetCustomAttribute<AbiAttribute>() is null && type.GetCustomAttribute<NotAbiAttribute>() is null)
            .Select(type => type.Name)];
        Assert.Empty(silent);
        Assert.True(AbiChecks.Types.Count(type => type.GetCustomAttribute<AbiAttribute>() is not null) > 60);
    }

    [Fact]
    public void AWrongMirrorIsCaught()
    {
        Gcc.Require();
        Assert.Contains("WrongSlot.flags offset", Gcc.Check(AbiChecks.Program("net/netmap.h", [typeof(WrongSlot)])));
        Assert.Contains("NETMAP_API", Gcc.Check(AbiChecks.Program("net/netmap.h", [typeof(WrongConstant)])));
    }

    [Abi("net/netmap.h", Name = "struct netmap_slot")]
    [StructLayout(LayoutKind.Sequential, Size = 16)]
#pragma warning disable CS0649 // only its layout matters
    private struct WrongSlot
    {
        public uint buf_idx;
        public uint len;
        public ushort flags;
    }

    [Abi("net/netmap.h")]
    private static class WrongConstant
    {
        public const int NETMAP_API = 15;
    }
}
