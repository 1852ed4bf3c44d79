using Netmap.Devices;
using Netmap.Devices.Xdp;
using Netmap.Interop;

namespace Netmap.Adapters.Native;

/// <summary>The receive half of one ring of a native port, whichever way frames come. Syncs are under the ring's lock.</summary>
internal interface INativeRxRing
{
    /// <summary>What to sleep on.</summary>
    DeviceWait Wait { get; }

    /// <summary>The ring is on.</summary>
    void Open(XskSocket socket);

    /// <summary>The ring loses its last user while the port stays open.</summary>
    void Close();

    /// <summary>The device has stopped: the ring's slots have their buffers again.</summary>
    void Settle();

    /// <summary>rxsync.</summary>
    Errno Sync();

    /// <summary>Frames are waiting.</summary>
    bool HasFrames { get; }

    /// <summary>Before sleeping: false when frames are waiting.</summary>
    bool PrepareWait();

    /// <summary>Adds what the kernel or the program lost since the last call.</summary>
    void RefreshCounters();
}
