using Netmap.Adapters;
using Netmap.Adapters.Native;
using Netmap.Devices.Xdp;
using Netmap.Interop;
using Netmap.Links;

namespace Netmap.Control;

/// <summary>Which adapter of an interface a switch uses. Under the control lock.</summary>
internal static class SwitchAdapter
{
    /// <summary>
    /// Native only where the driver has zero-copy, unless nothing else is allowed (admode 1). In copy mode, XDP shows the
    /// frames of an offloading neighbour (the other end of a veth pair, a guest) with their checksums unfinished and does
    /// not say so; the generic adapter knows what is left to do.
    /// </summary>
    /// <param name="engine">The engine.</param>
    /// <param name="adapter">Found by name; nobody uses it. Its reference is taken over.</param>
    /// <returns>With one reference for the caller.</returns>
    /// <exception cref="NetmapException">What opening the interface says; the reference is given back.</exception>
    public static NetmapAdapter Choose(Engine engine, NetmapAdapter adapter)
    {
        if (adapter is not NativeAdapter || engine.Options.AdapterMode != AdapterMode.Best)
            return adapter;
        try
        {
            using XdpFeatures features = new(adapter.Describe().InterfaceIndex);
            if (features.HasZeroCopy)
                return adapter;
        }
        catch
        {
            engine.Release(adapter);
            throw;
        }
        return Generic(engine, adapter, new(Errno.EOPNOTSUPP, "a switch uses native adapters with zero-copy only, and the driver has none"));
    }

    /// <summary>Makes the switch the user of an adapter, or of the generic one where the native way turns out to be closed.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="adapter">Its reference is taken over.</param>
    /// <param name="attach">Attaches.</param>
    /// <exception cref="NetmapException">What attaching says; the reference is given back.</exception>
    public static Attachment Attach(Engine engine, NetmapAdapter adapter, Func<NetmapAdapter, Attachment> attach)
    {
        try
        {
            return attach(adapter);
        }
        catch (NativeRefusal refusal)
        {
            adapter = Generic(engine, adapter, refusal);
        }
        catch
        {
            engine.Release(adapter);
            throw;
        }
        try
        {
            return attach(adapter);
        }
        catch
        {
            engine.Release(adapter);
            throw;
        }
    }

    private static NetmapAdapter Generic(Engine engine, NetmapAdapter native, NativeRefusal refusal)
    {
        try
        {
            return AdapterChoice.FallBack(engine, native, refusal);
        }
        finally
        {
            engine.Release(native);
        }
    }
}
