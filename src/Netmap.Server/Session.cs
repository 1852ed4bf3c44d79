using System.Runtime.CompilerServices;
using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;

namespace Netmap.Server;

/// <summary>
/// The server's end of a session (docs/protocol.md). Requests arrive on its user's thread, syncs on the worker's; what each of
/// them touches is marked. The client may write anything into the page: one word of it is read, once.
/// </summary>
internal sealed partial class Session : IEndpoint, IDisposable
{
    private readonly OpenFile _owner;
    private readonly MessageSocket _socket;
    private readonly SharedPage _page;
    private readonly SafeDescriptor _doorbell;
    private readonly SessionBell _bell;
    private uint _answered;

    /// <param name="owner">The file it is of.</param>
    /// <param name="socket">Taken over.</param>
    /// <param name="page">Taken over.</param>
    /// <param name="doorbell">Taken over.</param>
    public Session(OpenFile owner, MessageSocket socket, SharedPage page, SafeDescriptor doorbell)
    {
        (_owner, _socket, _page, _doorbell) = (owner, socket, page, doorbell);
        _bell = new SessionBell(socket, page);
        ucred client = socket.Peer();
        bool trusted = owner.Server.Options.TrustsClients;
        ClientProcess? process = owner.Server.Processes.Take(socket.Descriptor, client, trusted, out Errno problem);
        (ProcessId, Program) = (client.pid, new ProcessMemory(process, problem) { IsTrusting = trusted });
        _indirect = new StagedData(Program);
        Door = new Doorbell(this, doorbell);
    }

    /// <summary>The process that made the session; 0 when this one cannot see it.</summary>
    public int ProcessId { get; }

    /// <summary>That process's memory.</summary>
    public ProcessMemory Program { get; }

    public int Descriptor => _socket.Descriptor;

    public OpenFile Owner => _owner;

    public MessageSocket Socket => _socket;

    public Bell Bell => _bell;

    /// <summary>For the worker's loop.</summary>
    public IEndpoint Door { get; }

    /// <summary>The session is over; whoever works for it elsewhere stops.</summary>
    public CancellationTokenSource Ended { get; } = new();

    /// <summary>User's thread: a request is being worked on elsewhere, its answer is to come.</summary>
    public bool IsBusy { get; set; }

    /// <summary>Worker: the page is looked at on each round.</summary>
    public bool IsActive { get; set; }

    /// <summary>Worker: it is in the list of those that sleep.</summary>
    public bool IsWatched { get; set; }

    /// <summary>Worker: news of what the client sleeps for may come from a device, which rings no bell.</summary>
    public bool HasDevices { get; private set; }

    /// <summary>Worker: poll bits the client sleeps for, 0 while it does not.</summary>
    public short Watched { get; private set; }

    /// <summary>Worker: when it last had work, in the clock's ticks.</summary>
    public long LastWork { get; set; }

    /// <summary>User's thread: the client has sent a request, or is gone.</summary>
    public void Ready() => _owner.Control.Requests.Receive(this);

    public void Failed(Exception problem) => _owner.Failed(problem);

    /// <summary>Worker: runs the posted request, if there is one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryServe()
    {
        ulong post = _page.Posted;
        uint sequence = SharedPage.SequenceOf(post);
        if (sequence == _answered || _isMoving)
            return false;
        Serve(sequence, (byte)(post >> 24), (byte)(post >> 16), (short)post);
        return true;
    }

    /// <summary>Worker: from now on the client has to ring; false when it has posted meanwhile.</summary>
    public bool TryPark()
    {
        // What it has posted is for its next worker.
        if (_isMoving)
            return true;
        _page.SetAsleep(true);
        if (SharedPage.SequenceOf(_page.Posted) == _answered)
            return true;
        _page.SetAsleep(false);
        return false;
    }

    /// <summary>Worker: the client has rung.</summary>
    public void Unpark() => _page.SetAsleep(false);

    /// <summary>Worker: looks on behalf of the sleeping client; true when it need not be watched any more.</summary>
    public bool LookAgain()
    {
        if (!_bell.IsArmed)
            return EndWatch();
        _indirect.IsWanted = false;
        // Data of the client's own memory is wanted: it asks again, and a thread that may wait answers.
        if (_owner.File.Poller.Look(Watched, _bell, _indirect) == 0 && !_indirect.IsWanted)
            return false;
        _bell.Wake();
        return EndWatch();
    }

    /// <summary>Worker: what to sleep on for this client, as <see cref="Poller.PrepareSleep"/>.</summary>
    public int PrepareSleep(Span<pollfd> descriptors, ref TimeSpan left)
    {
        TimeSpan own = Timeout.InfiniteTimeSpan;
        int used = _owner.File.Poller.PrepareSleep(_bell, descriptors, Watched, ref own);
        HasDevices = used != 1 || own != Timeout.InfiniteTimeSpan;
        if (own != Timeout.InfiniteTimeSpan && (left == Timeout.InfiniteTimeSpan || own < left))
            left = own;
        return used;
    }

    /// <summary>When no thread has it any more.</summary>
    public void Dispose()
    {
        foreach (IDisposable part in (IDisposable[])[Program, _indirect, _bell, _socket, _page, _doorbell])
            Guard.Run(part.Dispose, _owner.Server.Log.Survived);
        Program.Process?.Release();
        _owner.Account.ReturnSession();
    }

    private void Serve(uint sequence, byte operation, byte flags, short events)
    {
        NetmapFile file = _owner.File;
        short found = 0;
        Errno result = Errno.Success;
        _indirect.IsWanted = false;
        switch (operation)
        {
            case NmsH.NMS_OP_TXSYNC:
                result = file.TxSync(_indirect);
                break;
            case NmsH.NMS_OP_RXSYNC:
                result = file.RxSync();
                break;
            case NmsH.NMS_OP_POLL:
                found = Look(file, events, (flags & NmsH.NMS_FLAG_ARM) != 0, (flags & NmsH.NMS_FLAG_LINGER) != 0);
                break;
            default:
                result = Errno.EINVAL;
                break;
        }
        if (_indirect.IsWanted && !AnswersAllTheSame(ref found, ref result))
            return;
        _answered = sequence;
        _page.Answer = SharedPage.Done(sequence, found, result);
        if (_page.IsClientWaiting)
            _bell.SayAnswered();
    }

    private short Look(NetmapFile file, short events, bool arm, bool linger)
    {
        EndWatch();
        _bell.Lingers = linger;
        short found = file.Poller.Look(events, arm ? _bell : null, _indirect);
        if (found != 0 || !arm)
            _bell.Disarm();
        else
            (Watched, HasDevices) = (events, true);
        return found;
    }

    private bool EndWatch()
    {
        Watched = 0;
        return true;
    }

    /// <summary>Edge-triggered and never read: a client that drains it, or makes it block, stops only itself.</summary>
    private sealed class Doorbell(Session session, SafeDescriptor descriptor) : IEndpoint
    {
        public int Descriptor => descriptor.Fd;

        public void Ready() => session.ServedBy!.Activate(session);

        public void Failed(Exception problem) => session.ServedBy!.Fail(session, problem);
    }
}
