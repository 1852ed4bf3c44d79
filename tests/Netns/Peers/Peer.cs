using System.Diagnostics;
using Netmap.Links;

namespace Netmap.Tests.Netns.Peers;

/// <summary>A program that is not ours, run in a namespace; installed by the package manager when it is missing.</summary>
internal sealed class Peer : IDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _errors;

    private Peer(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
        _errors = process.StandardError.ReadToEndAsync();
    }

    public int Id => _process.Id;

    public int ExitCode => _process.ExitCode;

    public bool HasExited => _process.HasExited;

    /// <summary>Makes sure a program of a Debian package is there.</summary>
    public static void Require(string program, string package)
    {
        if (Find(program))
            return;
        // A mirror may fail once; three times is an answer.
        for (int attempt = 0; attempt < 3 && Privileges.HasBpf && !Find(program); attempt++)
        {
            Apt("update", "-q");
            Apt("install", "-y", "-q", "--no-install-recommends", package);
        }
        Assert.SkipUnless(Find(program) || Environment.GetEnvironmentVariable("NETMAP_TESTS_MUST_RUN") == "1",
            $"{program} is not installed: apt-get install {package}");
    }

    /// <summary>Only the start is done inside: pool threads for the reading must not be born in the namespace.</summary>
    public static Peer Start(NetworkNamespace space, string program, params string[] arguments)
    {
        ProcessStartInfo start = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        return new Peer(space.Run(() => Process.Start(start)!));
    }

    /// <summary>Runs to the end; standard output and errors together.</summary>
    public static string Run(NetworkNamespace space, string program, params string[] arguments)
    {
        using Peer peer = Start(space, program, arguments);
        return peer.Finish();
    }

    /// <summary>Waits for the end, within bounds; what it wrote.</summary>
    public string Finish()
    {
        Assert.True(_process.WaitForExit(s_limit), $"{_process.StartInfo.FileName} did not end");
        return _output.Result + _errors.Result;
    }

    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static bool Find(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')
        .Concat(["/usr/sbin", "/sbin"]).Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>One at a time: two test programs may find something missing at once.</summary>
    private static void Apt(params string[] arguments)
    {
        string turn = Path.Combine(Path.GetTempPath(), "netmap-tests-apt.lock");
        ProcessStartInfo start = new("flock", [turn, "apt-get", .. arguments]) { RedirectStandardOutput = true };
        start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
        using Process apt = Process.Start(start)!;
        apt.StandardOutput.ReadToEnd();
        apt.WaitForExit();
    }
}
