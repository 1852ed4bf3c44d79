using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// Wakes the other end of a session: one message on its socket. It never blocks; when the socket is full it is readable anyway.
/// Owns the socket's descriptor together with its session.
/// </summary>
internal sealed unsafe class SessionBell(SafeDescriptor socket) : Bell(socket)
{
    private static readonly byte[] s_wake = new Message(Message.HeaderSize).Begin(NmsH.NMS_WAKE).Bytes.ToArray();

    /// <summary>Nobody in this process sleeps on it.</summary>
    public override int Descriptor => -1;

    public override void Drain()
    {
    }

    protected override void Signal(int descriptor)
    {
        fixed (byte* message = s_wake)
            SysSocket.send(descriptor, message, (nuint)s_wake.Length, SysSocket.MSG_DONTWAIT | SysSocket.MSG_NOSIGNAL);
    }
}
