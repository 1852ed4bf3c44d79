namespace Netmap.Adapters.Native;

/// <summary>Parameters of the native adapter.</summary>
/// <param name="RingSize">Slots where the driver does not tell.</param>
/// <param name="BusyPoll">How long receive calls poll the driver; zero for not at all.</param>
/// <param name="Gear">Which paths frames may take.</param>
/// <param name="Forward">fwd: forward every released frame between NIC and host.</param>
/// <param name="MayMissTags">Where the driver has no XDP, even if the program behind it does not see VLAN tags.</param>
internal sealed record NativeParameters(int RingSize, TimeSpan BusyPoll, NativeGear Gear, bool Forward, bool MayMissTags)
{
    public static NativeParameters From(NetmapEngineOptions options) =>
        new(options.GenericRingSize, options.NativeBusyPoll, options.NativeGear, options.Forward, options.AdapterMode == AdapterMode.Native);
}
