using Netmap.Adapters;
using Netmap.Adapters.Generic;
using Netmap.Adapters.Native;
using Netmap.Devices;
using Netmap.Devices.Xdp;
using Netmap.Interop;
using Netmap.Memory;

namespace Netmap.Control;

/// <summary>Which adapter serves an interface (admode, spec 1.5 and 3.3).</summary>
internal static class AdapterChoice
{
    /// <summary>Native where it seems possible and is wanted, else generic.</summary>
    /// <exception cref="NetmapException">EOPNOTSUPP, EPERM … native is wanted and impossible; or what opening the device says.</exception>
    public static NetmapAdapter Make(Engine engine, NetmapMemory memory, string name, IDeviceFactory factory)
    {
        NetmapEngineOptions options = engine.Options;
        if (options.AdapterMode == AdapterMode.Generic)
            return MakeGeneric(engine, memory, name, factory, null);
        if (!factory.AllowsNative)
        {
            return options.AdapterMode == AdapterMode.Native
                ? throw new NetmapException(Errno.EOPNOTSUPP, "open", name,
                    "AdapterMode.Native (admode 1) allows no other adapter, and this device has none; use Best or Generic (0, 2)")
                : MakeGeneric(engine, memory, name, factory, null);
        }
        XdpDevice device = new(name);
        NativeRefusal? refusal = null;
        try
        {
            refusal = device.Trial(memory.BufferSize, mayMissTags: options.AdapterMode == AdapterMode.Native);
            if (refusal is null)
                return new NativeAdapter(name, device, memory, NativeParameters.From(options));
        }
        catch
        {
            device.Dispose();
            throw;
        }
        device.Dispose();
        return options.AdapterMode == AdapterMode.Native ? throw refusal.AsError(name) : MakeGeneric(engine, memory, name, factory, refusal.Message);
    }

    /// <summary>A generic adapter, owning a new device.</summary>
    /// <param name="engine">Options.</param>
    /// <param name="memory">Its memory unless a file asks for another.</param>
    /// <param name="name">Port name.</param>
    /// <param name="factory">Opens the device.</param>
    /// <param name="whyNotNative">Told to whoever asks what the port is.</param>
    public static GenericAdapter MakeGeneric(Engine engine, NetmapMemory memory, string name, IDeviceFactory factory, string? whyNotNative)
    {
        IDevice device = factory.Open(name);
        try
        {
            return new(name, device, memory, GenericParameters.From(engine.Options)) { WhyNotNative = whyNotNative };
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The native way turned out to be closed when the port was to be activated: with admode 0 the generic adapter takes
    /// its place until its own last reference goes; the native one stays behind it for the next try.
    /// </summary>
    /// <returns>The generic adapter, with one reference for the caller, who gives back the one on the native one.</returns>
    /// <exception cref="NetmapException">Native or nothing is wanted.</exception>
    public static NetmapAdapter FallBack(Engine engine, NetmapAdapter native, NativeRefusal refusal)
    {
        if (engine.Options.AdapterMode == AdapterMode.Native)
            throw refusal.AsError(native.Name);
        return engine.Replace(native, factory => MakeGeneric(engine, native.OwnMemory, native.Name, factory, refusal.Message));
    }
}
