using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Netmap.Server;

/// <summary>sd_notify(3): tells systemd, if it started us, how far we are.</summary>
public static class ServiceNotification
{
    /// <summary>Clients may connect.</summary>
    public static void Ready() => Send("READY=1");

    /// <summary>Ends now.</summary>
    public static void Stopping() => Send("STOPPING=1");

    /// <summary>Still at work; systemd restarts a service that does not say so within <see cref="WatchdogInterval"/>.</summary>
    public static void Alive() => Send("WATCHDOG=1");

    /// <summary>How often systemd wants to hear <see cref="Alive"/> at least (WatchdogSec); null when it does not ask.</summary>
    public static TimeSpan? WatchdogInterval
    {
        get
        {
            string? process = Environment.GetEnvironmentVariable("WATCHDOG_PID");
            bool ours = string.IsNullOrEmpty(process) || process == Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
            string? given = Environment.GetEnvironmentVariable("WATCHDOG_USEC");
            return ours && long.TryParse(given, NumberStyles.None, CultureInfo.InvariantCulture, out long us) && us > 0
                ? TimeSpan.FromMicroseconds(us) : null;
        }
    }

    private static void Send(string state)
    {
        string? address = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        if (string.IsNullOrEmpty(address))
            return;
        using Socket socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            // An abstract address begins with @ in the variable and with a zero byte on the wire.
            socket.SendTo(Encoding.UTF8.GetBytes(state), new UnixDomainSocketEndPoint(address[0] == '@' ? '\0' + address[1..] : address));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            // Somebody else's variable, handed down; who waits for us would have a socket there.
        }
    }
}
