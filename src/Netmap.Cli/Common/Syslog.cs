using System.Net.Sockets;
using System.Text;

namespace Netmap.Cli.Common;

/// <summary>Lines for the system's log (RFC 3164, over /dev/log). What the log does not take in is not waited for.</summary>
internal sealed class Syslog : IDisposable
{
    /// <summary>Facility user, severity informational.</summary>
    private const int Priority = (1 << 3) | 6;

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
    private readonly string _name;

    /// <exception cref="UsageException">No log listens here.</exception>
    public Syslog(string name)
    {
        _name = name;
        try
        {
            _socket.Connect(new UnixDomainSocketEndPoint("/dev/log"));
        }
        catch (SocketException e)
        {
            _socket.Dispose();
            throw new UsageException($"no syslog at /dev/log: {e.Message}");
        }
    }

    public void Write(string line)
    {
        try
        {
            _socket.Send(Encoding.UTF8.GetBytes($"<{Priority}>{_name}[{Environment.ProcessId}]: {line}"));
        }
        catch (SocketException)
        {
            // The log is full or gone; the work goes on.
        }
    }

    public void Dispose() => _socket.Dispose();
}
