using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>
/// Wakes the other end of a session: one message on its socket. It never blocks; when the socket is full it is readable anyway.
/// Owns the socket's descriptor together with its session.
/// </summary>
/// <param name="socket">The session's.</param>
/// <param name="page">The session's; mapped as long as the socket is open.</param>
internal sealed unsafe class SessionBell(MessageSocket socket, SharedPage page) : Bell(socket.Handle)
{
    private static readonly byte[] s_wake = new Message(Message.HeaderSize).Begin(NmsH.NMS_WAKE).Bytes.ToArray();
    private static readonly byte[] s_answered = new Message(Message.HeaderSize).Begin(NmsH.NMS_ANSWERED).Bytes.ToArray();

    /// <summary>Nobody in this process sleeps on it.</summary>
    public override int Descriptor => -1;

    public override void Drain()
    {
    }

    /// <summary>The answer that the client sleeps for is there. On the worker, while the session lives.</summary>
    public void SayAnswered() => Send(socket.Descriptor, s_answered);

    /// <summary>The client looks at its page for a while before it sleeps: a message only when it does.</summary>
    public bool Lingers { get; set; }

    protected override void Signal(int descriptor)
    {
        if (Lingers)
        {
            page.MoveNews();
            if (!page.IsClientWaiting)
                return;
        }
        Send(descriptor, s_wake);
    }

    private static void Send(int descriptor, byte[] words)
    {
        fixed (byte* message = words)
            SysSocket.send(descriptor, message, (nuint)words.Length, SysSocket.MSG_DONTWAIT | SysSocket.MSG_NOSIGNAL);
    }
}
