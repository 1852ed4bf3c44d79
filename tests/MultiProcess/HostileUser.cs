using System.Diagnostics;
using System.Runtime.CompilerServices;
using Netmap.Links;
using Netmap.Tests.Netns;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.MultiProcess;

/// <summary>A process of the user nobody that attacks a server (programs/hostile.py), in a network of its own.</summary>
internal sealed class HostileUser : IDisposable
{
    public const uint Id = 65534;

    private readonly NetworkNamespace _network;
    private readonly Process _process;
    private readonly Task<string> _errors;

    /// <param name="folder">For the program: one that the user may look into.</param>
    /// <param name="host">The server.</param>
    /// <param name="attack">A function of the program.</param>
    /// <param name="network">Where; without, in a network of its own.</param>
    public HostileUser(string folder, string host, string attack, NetworkNamespace? network = null)
    {
        _network = network ?? NetworkNamespace.Create();
        string program = Path.Combine(folder, "hostile.py");
        File.Copy(Path.Combine(Here(), "programs", "hostile.py"), program, overwrite: true);
        ProcessStartInfo start = new("setpriv", ["--reuid", $"{Id}", "--regid", $"{Id}", "--clear-groups", "/usr/bin/python3", program, host, attack])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        if (network is null)
            _network.SetUp("lo");
        _process = _network.Run(() => Process.Start(start)!);
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Skips the test where no one can become another user.</summary>
    public static void Require()
    {
        Assert.SkipUnless(Privileges.HasBpf, "only root becomes somebody else: run the tests as root");
        Peer.Require("setpriv", "util-linux");
        Peer.Require("/usr/bin/python3", "python3");
    }

    /// <summary>Waits until it has done what it can.</summary>
    public async Task Ready()
    {
        string? line = await _process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(line == "ready", line is null ? _errors.Result : line);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _network.Dispose();
    }

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
