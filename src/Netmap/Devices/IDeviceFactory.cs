namespace Netmap.Devices;

/// <summary>Finds devices by name; the engine asks its factories in turn.</summary>
internal interface IDeviceFactory
{
    /// <summary>
    /// A key that is the same for two names of the same device in the calling thread's network namespace, or null when
    /// this factory knows no such device. Cheap: no descriptor stays open.
    /// </summary>
    string? Identify(string name);

    /// <summary>Its devices are kernel interfaces that the native adapter may open by the same name.</summary>
    bool AllowsNative => false;

    /// <summary>Opens the device (not yet started). Throws <see cref="NetmapException"/>.</summary>
    IDevice Open(string name);
}
