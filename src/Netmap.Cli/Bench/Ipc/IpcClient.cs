using System.Diagnostics;
using System.Text.Json;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>A client process from the outside: a .NET program, or a C program under the shim.</summary>
internal sealed class IpcClient : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Process _process;

    private IpcClient(ProcessStartInfo start)
    {
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        _process = Process.Start(start)!;
        if (_process.StandardOutput.ReadLine() != "ready")
            throw new InvalidOperationException("a client process did not start");
    }

    /// <summary>Our own client, as a process of its own.</summary>
    public static IpcClient Net(string host, string port, string role, TimeSpan window, int batch)
    {
        string tool = Path.Combine(AppContext.BaseDirectory, "netmap-cli.dll");
        return new(new(Environment.ProcessPath!,
        [
            tool, "bench", IpcPeer.Command, "--host", host, "--port", port, "--role", role,
            "--seconds", window.TotalSeconds.ToString(), "--batch", batch.ToString(),
        ]));
    }

    /// <summary>An ordinary netmap program in C, with the shim in front of its C library.</summary>
    /// <exception cref="InvalidOperationException">There is no gcc.</exception>
    public static IpcClient Shim(string host, string port, string role, TimeSpan window, int batch)
    {
        ProcessStartInfo start = new(ShimProgram.Path, [port, role, window.TotalSeconds.ToString(), batch.ToString()]);
        start.Environment["NETMAP_HOST"] = host;
        start.Environment["LD_PRELOAD"] = ShimProgram.Preload;
        return new(start);
    }

    /// <summary>Starts its work; once more ends it, where it has no end of its own.</summary>
    public void Go() => _process.StandardInput.WriteLine();

    public IpcReport Report() => JsonSerializer.Deserialize<IpcReport>(
        _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException("a client process failed"), s_json)!;

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
