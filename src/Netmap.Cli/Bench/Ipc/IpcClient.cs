using System.Diagnostics;
using System.Text.Json;

namespace Netmap.Cli.Bench.Ipc;

/// <summary>A client process from the outside.</summary>
internal sealed class IpcClient : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Process _process;

    public IpcClient(string host, string port, string role, TimeSpan window, int batch)
    {
        string tool = Path.Combine(AppContext.BaseDirectory, "netmap-cli.dll");
        ProcessStartInfo start = new(Environment.ProcessPath!,
        [
            tool, "bench", IpcPeer.Command, "--host", host, "--port", port, "--role", role,
            "--seconds", window.TotalSeconds.ToString(), "--batch", batch.ToString(),
        ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        _process = Process.Start(start)!;
        if (_process.StandardOutput.ReadLine() != "ready")
            throw new InvalidOperationException("a client process did not start");
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
