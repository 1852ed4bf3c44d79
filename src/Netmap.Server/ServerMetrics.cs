using System.Diagnostics.Metrics;

namespace Netmap.Server;

/// <summary>The server's instruments, under the meter <c>Netmap.Server</c>.</summary>
internal sealed class ServerMetrics : IDisposable
{
    private readonly Meter _meter = new("Netmap.Server");

    public ServerMetrics(NetmapServer server)
    {
        _meter.CreateObservableGauge("netmap.server.files", () => server.Files.Count, "{file}", "Open files");
        _meter.CreateObservableCounter("netmap.server.syncs", () => server.Workers.Sum(worker => worker.Served), "{sync}", "Syncs done");
        _meter.CreateObservableCounter("netmap.server.requests", () => server.Counts.Answered, "{request}", "Requests answered");
        _meter.CreateObservableCounter("netmap.server.malformed", () => server.Counts.Malformed, "{message}", "Messages that made no sense");
    }

    public void Dispose() => _meter.Dispose();
}
