namespace Netmap.Cli.Bench.Native;

/// <summary>What a case moves, and how.</summary>
/// <param name="Gear">Of our ports.</param>
/// <param name="Bytes">Of each frame, without FCS.</param>
/// <param name="Variant">Set where a case differs in more.</param>
internal sealed record WireCase(NativeGear Gear, int Bytes, string Variant = "")
{
    /// <summary>Frames a sync.</summary>
    public const int Batch = 1000;

    /// <summary><c>plain-60</c>, <c>gear-1514</c> …</summary>
    public string Name => $"{(Gear == NativeGear.Plain ? "plain" : "gear")}-{Bytes}{(Variant.Length > 0 ? "-" : "")}{Variant}";

    public static readonly WireCase[] Both =
    [
        new(NativeGear.Plain, 60), new(NativeGear.Auto, 60), new(NativeGear.Plain, 1514), new(NativeGear.Auto, 1514),
    ];

    public NetmapEngineOptions Engine => new() { AdapterMode = AdapterMode.Native, NativeGear = Gear, BufferCount = 32768 };
}
