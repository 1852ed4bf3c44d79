using System.Diagnostics;
using System.Globalization;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Tests.Unit.Memory;

/// <summary>A server reads its client's memory, and no other's, whatever the client's process becomes.</summary>
public sealed class ProcessMemoryTests : IDisposable
{
    // Every shell has its code at the same address: who went by the process's number would read on after the exec.
    private readonly Process _shell = Process.Start(new ProcessStartInfo("setarch", ["-R", "sh", "-c", "read go; exec sh -c 'read end'"])
    {
        RedirectStandardInput = true,
    })!;

    private ClientProcess Client => Of(Unistd.geteuid());

    public void Dispose()
    {
        _shell.Kill();
        _shell.WaitForExit();
        _shell.Dispose();
    }

    [Fact]
    public void AnotherProgramInTheSameProcessIsNotRead()
    {
        ulong code = CodeOf("read go; exec sh -c 'read end'");
        using ProcessMemory memory = new(Client);
        byte[] bytes = new byte[4];
        Assert.Equal(Errno.Success, memory.Read(code, bytes));
        Assert.Equal("\u007fELF"u8, bytes);
        _shell.StandardInput.Write("\n");
        _shell.StandardInput.Flush();
        Assert.Equal(code, CodeOf("read end"));
        Assert.Equal(Errno.EFAULT, memory.Read(code, bytes));
        Assert.Equal(Errno.EFAULT, memory.Write(code, bytes));
    }

    [Fact]
    public void AProcessOfAnotherUserIsNotRead()
    {
        ulong code = CodeOf("read go; exec sh -c 'read end'");
        using ProcessMemory memory = new(Of(Unistd.geteuid() + 1));
        Assert.Equal(Errno.EFAULT, memory.Read(code, new byte[4]));
    }

    [Fact]
    public void WhatIsClosedIsNotRead()
    {
        ulong code = CodeOf("read go; exec sh -c 'read end'");
        using ProcessMemory memory = new(Client);
        Assert.Equal(Errno.Success, memory.Read(code, new byte[4]));
        memory.Dispose();
        Assert.Equal(Errno.EFAULT, memory.Read(code, new byte[4]));
    }

    private ClientProcess Of(uint user) => new(_shell.Id, user, null, null);

    /// <summary>The first byte of the shell that runs this script, once it does.</summary>
    private ulong CodeOf(string script)
    {
        string folder = $"/proc/{_shell.Id}/";
        Assert.True(SpinWait.SpinUntil(() => _shell.HasExited || File.ReadAllText(folder + "cmdline") == $"sh\0-c\0{script}\0", TimeSpan.FromSeconds(20)));
        Assert.SkipWhen(_shell.HasExited, "setarch -R is refused here: run the tests where personality(2) is allowed");
        // Only mapped when the program is there.
        string? first = null;
        Assert.True(SpinWait.SpinUntil(() => (first = File.ReadLines(folder + "maps").FirstOrDefault()) is not null, TimeSpan.FromSeconds(20)));
        return ulong.Parse(first!.Split('-')[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
