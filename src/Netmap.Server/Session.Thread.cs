using Netmap.Interop;
using Netmap.Rings;

namespace Netmap.Server;

/// <content>
/// Which thread syncs for the session. Workers are shared; but memory of the client's may be in a mapping of a file system that never
/// answers, so a session whose slots point there (NS_INDIRECT) moves to a worker of its own, which may wait. What it waits for holds up
/// nothing else: no lock, no ring. The thread counts as the user's until it ends.
/// </content>
internal sealed partial class Session
{
    private readonly StagedData _indirect;

    /// <summary>User's thread: has it, null while it is on its way from one to another and when it is over.</summary>
    private Worker? _worker;

    /// <summary>Worker: the request that is posted is for the next one to run.</summary>
    private bool _isMoving;

    /// <summary>Worker: there was none of its own to be had.</summary>
    private bool _hasNoThread;

    /// <summary>Worker: the one that has it.</summary>
    public Worker? ServedBy { get; set; }

    /// <summary>User's thread: this worker syncs for it from now on.</summary>
    public void ServeOn(Worker worker)
    {
        _worker = worker;
        worker.Add(this);
    }

    /// <summary>User's thread: it is over, and goes when the thread that has it lets go.</summary>
    public void Leave()
    {
        // On its way: it goes where it arrives.
        if (_worker is not { } worker)
            return;
        _worker = null;
        worker.Remove(this, Dispose);
        if (worker != _owner.Worker)
            worker.Retire(_owner.Account.ReturnThread);
    }

    /// <summary>
    /// Worker: a sync has ended before a slot whose data is in the client's memory. False when the request is not answered yet, as a thread of
    /// the client's own runs it again.
    /// </summary>
    private bool AnswersAllTheSame(ref short found, ref Errno result)
    {
        // The client has changed the slot meanwhile; its next sync finds it as it is then.
        if (_indirect.MayWait)
            return true;
        EndWatch();
        _bell.Disarm();
        if (_hasNoThread)
        {
            _hasNoThread = false;
            (found, result) = (Poll.POLLERR, Errno.ENOMEM);
            return true;
        }
        _isMoving = true;
        _owner.Control.Post(Move);
        return false;
    }

    private void Move()
    {
        if (_worker is not { } worker)
            return;
        _worker = null;
        worker.Remove(this, () => _owner.Control.Post(Arrive));
    }

    /// <summary>User's thread: no worker has it.</summary>
    private void Arrive()
    {
        if (Ended.IsCancellationRequested)
        {
            Dispose();
            return;
        }
        Worker? own = TryMakeWorker();
        _indirect.MayWait = own is not null;
        _hasNoThread = own is null;
        _isMoving = false;
        ServeOn(own ?? _owner.Worker);
    }

    private Worker? TryMakeWorker()
    {
        if (!_owner.Account.TryTakeThread())
            return null;
        try
        {
            return new Worker(ProcessId, _owner.Server.Options, _owner.Server.Log);
        }
        catch (Exception problem) when (problem is OutOfMemoryException or NetmapException)
        {
            // No thread, or no descriptors: the client's loss.
            _owner.Account.ReturnThread();
            return null;
        }
    }
}
