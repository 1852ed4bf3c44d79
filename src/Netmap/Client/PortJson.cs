using System.Text.Json;
using System.Text.Json.Serialization;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Vale;

namespace Netmap.Client;

/// <summary>What a server tells of ports, as text between it and its clients.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(PortInfo))]
[JsonSerializable(typeof(PortStatistics))]
[JsonSerializable(typeof(SwitchStatistics))]
[JsonSerializable(typeof(IReadOnlyList<ProbeResult>))]
internal sealed partial class PortJson : JsonSerializerContext
{
    /// <param name="file">The client's file.</param>
    /// <param name="name">Another port than the file's own, or empty.</param>
    /// <exception cref="NetmapException">ENXIO no such port, or the file is bound to none.</exception>
    public static string Info(NetmapFile file, string name) =>
        JsonSerializer.Serialize(name.Length > 0 ? PortReport.QueryInfo(file.Caller, name) : PortReport.Info(Bound(file).Adapter.Name, Bound(file).Adapter),
            Default.PortInfo);

    /// <inheritdoc cref="Info"/>
    public static string Statistics(NetmapFile file, string name) =>
        JsonSerializer.Serialize(name.Length > 0 ? PortReport.QueryStatistics(file.Caller, name) : PortReport.Statistics(Bound(file).Adapter, file.Engine.Options.Clock),
            Default.PortStatistics);

    /// <exception cref="NetmapException">ENXIO no such interface.</exception>
    public static string Probe(NetmapEngine engine, string name) => JsonSerializer.Serialize(KernelProbe.Run(name, engine), Default.IReadOnlyListProbeResult);

    public static IReadOnlyList<ProbeResult> ReadProbe(ReadOnlySpan<byte> text) => JsonSerializer.Deserialize(text, Default.IReadOnlyListProbeResult)!;

    /// <summary>What a switch has counted.</summary>
    /// <exception cref="NetmapException">ENXIO no such switch.</exception>
    public static string OfSwitch(Engine engine, string name)
    {
        lock (engine.ControlLock)
        {
            ValeSwitch vale = engine.Switches.Find(name) ?? throw new NetmapException(Errno.ENXIO, "statistics", name, "no such switch");
            return JsonSerializer.Serialize(SwitchReport.Statistics(engine, vale), Default.SwitchStatistics);
        }
    }

    public static SwitchStatistics ReadSwitchStatistics(ReadOnlySpan<byte> text) => JsonSerializer.Deserialize(text, Default.SwitchStatistics)!;

    public static PortInfo ReadInfo(ReadOnlySpan<byte> text) => JsonSerializer.Deserialize(text, Default.PortInfo)!;

    public static PortStatistics ReadStatistics(ReadOnlySpan<byte> text) => JsonSerializer.Deserialize(text, Default.PortStatistics)!;

    private static Registration Bound(NetmapFile file) =>
        file.Registration ?? throw new NetmapException(Errno.ENXIO, "info", null, "no port is bound to this file; register first");
}
