namespace Netmap.Adapters.Generic;

/// <summary>Parameters of the generic adapter (spec 1.5) and its clock.</summary>
/// <param name="RingSize">generic_ringsize: slots where the driver does not tell.</param>
/// <param name="Mitigation">generic_mit: how long notifications of one receive ring are held together.</param>
/// <param name="NoPendingInterrupt">no_pendintr: import on every rxsync, not only after an event.</param>
/// <param name="Forward">fwd: forward every released frame between NIC and host.</param>
/// <param name="Clock">Source of time.</param>
internal sealed record GenericParameters(int RingSize, TimeSpan Mitigation, bool NoPendingInterrupt, bool Forward, TimeProvider Clock)
{
    public static GenericParameters From(NetmapEngineOptions options) =>
        new(options.GenericRingSize, options.GenericMitigation, options.NoPendingInterrupt, options.Forward, options.Clock);
}
