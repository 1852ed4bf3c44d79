using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Server;

/// <summary>One user's requests, which come as messages (docs/protocol.md), one at a time on that user's thread.</summary>
internal sealed class RequestHandler(NetmapServer server)
{
    private const int RoomForWords = 512;

    private readonly Message _request = new(NmsH.NMS_REQUEST_MAX);
    private readonly Message _answer = new(NmsH.NMS_ANSWER_MAX);
    private readonly List<SafeDescriptor> _descriptors = [];

    /// <summary>Reads and answers one request, or ends the session.</summary>
    public void Receive(Session session)
    {
        ClientAccount account = session.Owner.Account;
        if (!account.TryReserve(MessageSocket.MostDescriptors))
        {
            session.Owner.Control.Pause(session);
            return;
        }
        _descriptors.Clear();
        SysResult received;
        try
        {
            received = session.Socket.Receive(_request.Room, _descriptors, SysSocket.MSG_DONTWAIT, account.Own);
        }
        finally
        {
            account.Release(MessageSocket.MostDescriptors);
        }
        if (received.Errno == Errno.EAGAIN)
            return;
        bool isOver = received.IsError ? received.Errno is not (Errno.EMSGSIZE or Errno.EMFILE) : received.Value == 0;
        bool good = !isOver && !received.IsError && _request.Received(received.Int32) && !session.IsBusy && TryRun(session);
        foreach (SafeDescriptor descriptor in _descriptors)
            descriptor.Dispose();
        if (good)
            return;
        if (!isOver)
            Complain(session.Owner, session.ProcessId, $"{received}, type {(_request.Length >= Message.HeaderSize ? _request.Header.type : 0)}");
        session.Owner.End(session);
    }

    /// <summary>Counts and logs a message that made no sense.</summary>
    public void Complain(OpenFile file, int process, string problem)
    {
        server.Counts.AddMalformed();
        if (server.Log.Lists(file.Account))
            server.Log.BadMessage(process, problem);
    }

    /// <summary>Runs the request; false when it makes no sense, or its answer finds no room.</summary>
    private bool TryRun(Session session)
    {
        if (_descriptors.Count > 0 && _request.Header.type != NmsH.NMS_IOCTL)
            return false;
        try
        {
            return _request.Header.type switch
            {
                NmsH.NMS_IOCTL => TryIoctl(session),
                NmsH.NMS_MAP => _request.TryRead(out nms_map map) && Send(session, Map(session, map)),
                NmsH.NMS_INFO => Send(session, Text(PortJson.Info(session.Owner.File, Words()))),
                NmsH.NMS_STATISTICS => Send(session, Text(Statistics(session.Owner.File, Words()))),
                NmsH.NMS_PARAMETER => Send(session, Text(Parameter(session))),
                NmsH.NMS_STATUS => Send(session, Text(StatusJson.Of(server.GetStatus(), Words(), NmsH.NMS_ANSWER_MAX - Message.HeaderSize))),
                NmsH.NMS_PROBE => Send(session, Text(PortJson.Probe(server.Hosted, Words()))),
                NmsH.NMS_SHARE => Send(session, Share(session.Owner.File, Words())),
                NmsH.NMS_SHARE_SWITCH => Send(session, ShareSwitch(session.Owner.File, Words())),
                NmsH.NMS_FILTER => FilterMessage.TryRead(_request, out FilterMessage filter) && Send(session, Filter(session.Owner.File, filter)),
                _ => false,
            };
        }
        catch (NetmapException refusal)
        {
            if (server.Log.Lists(session.Owner.Account))
                server.Log.Refused(RequestNames.OfMessage(_request.Header.type), session.ProcessId, refusal.Message);
            return Send(session, _answer.Begin(_request.Header.type, refusal.Errno).Append(refusal.Reason));
        }
        catch (Exception problem)
        {
            // A defect of ours, and nothing tells what of the file is still in order: it costs this client, not the server.
            Send(session, _answer.Begin(_request.Header.type, Errno.EIO));
            session.Owner.Failed(problem);
            return true;
        }
    }

    /// <summary>An ioctl, run on its image in the answer's own bytes.</summary>
    private bool TryIoctl(Session session)
    {
        int head = Unsafe.SizeOf<nms_ioctl>();
        if (!_request.TryRead(out nms_ioctl ioctl) || ioctl.image_length != _request.Body.Length - head
            || ((ioctl.flags & NmsH.NMS_IOCTL_EXTMEM) != 0 && _descriptors.Count == 0))
            return false;
        _answer.Begin(NmsH.NMS_IOCTL).Append(_request.Body);
        CallerMemory memory = new(_answer.Array, Message.HeaderSize + head, (int)ioctl.image_length, session.Program, [.. _descriptors])
        {
            Lent = Lent(session.Owner, ioctl),
        };
        if (TypeOf(ioctl.request, memory) == NetmapReq.NETMAP_REQ_SYNC_KLOOP_START)
            return RunLoop(session, ioctl);
        SyncKloop? ending = null;
        Errno result = Admission.Run(session.Owner, ioctl.request, memory with { Later = loop => ending = loop }, out string? reason);
        _answer.Header.result = (uint)result;
        if (reason is not null)
        {
            _answer.Append(reason);
            // The end of a list is no refusal.
            if (result != Errno.ENOENT && server.Log.Lists(session.Owner.Account))
                server.Log.Refused(RequestNames.OfIoctl(ioctl.request), session.ProcessId, session.Owner.File.LastRefusal?.Message ?? reason);
        }
        if (session.Owner.File.TakePendingCsb() is { } csb)
            return WriteCsb(session, csb);
        return ending is null ? Send(session, _answer) : SendAfter(session, ending);
    }

    /// <summary>What the client says of memory that it lends; null when it says nothing.</summary>
    private LentDescriptor? Lent(OpenFile file, in nms_ioctl ioctl) =>
        (ioctl.flags & NmsH.NMS_IOCTL_UNMAPPED) != 0 ? new(-1, 0, Errno.EFAULT)
        : (ioctl.flags & NmsH.NMS_IOCTL_EXTMEM) != 0
            ? new(_descriptors[^1].Fd, (long)ioctl.extmem_offset, MustStay: !server.Options.TrustsClients)
            : null;

    /// <summary>The request's type; 0 for other ioctls.</summary>
    private static ushort TypeOf(uint request, CallerMemory memory) => request == NetmapH.NIOCCTRL
        && memory.Read(CallerMemory.ImageStart, out nmreq_header header) == Errno.Success ? header.nr_reqtype : (ushort)0;

    /// <summary>SYNC_KLOOP_START: the loop's end is the answer. The descriptors are the loop's.</summary>
    private bool RunLoop(Session session, nms_ioctl ioctl)
    {
        Message answer = Keep();
        CallerMemory memory = Image(session, answer, [.. _descriptors]) with { Ended = session.Ended.Token };
        if (!TryRunApart(session, "netmap sync loop", Run, () => Finish(session, answer), out NetmapException? refusal))
            return Send(session, Refuse(answer, refusal!));
        _descriptors.Clear();
        return true;

        void Run()
        {
            try
            {
                answer.Header.result = (uint)session.Owner.File.Ioctl(ioctl.request, CallerMemory.ImageStart, memory);
            }
            catch (Exception problem)
            {
                answer.Header.result = (uint)Errno.EIO;
                session.Owner.Fail(problem);
            }
            foreach (SafeDescriptor descriptor in memory.Descriptors)
                descriptor.Dispose();
        }
    }

    /// <summary>SYNC_KLOOP_STOP: answered when the loop has ended, which takes its client's memory, and no thread here.</summary>
    private bool SendAfter(Session session, SyncKloop ending)
    {
        Message answer = Keep();
        session.IsBusy = true;
        ending.WhenOver(() => session.Owner.Control.Post(() => Finish(session, answer)));
        return true;
    }

    /// <summary>A request has asked for CSB mode: its arrays are in the client's memory, and written on a thread of the client's.</summary>
    private bool WriteCsb(Session session, PendingCsb csb)
    {
        Message answer = Keep();
        Errno written = Errno.ENOMEM;
        if (TryRunApart(session, "netmap csb", () => written = csb.Write(), Then, out _))
            return true;
        Settle();
        return Send(session, answer);

        void Then()
        {
            Settle();
            Finish(session, answer);
        }

        void Settle()
        {
            OpenFile owner = session.Owner;
            Errno result = ControlRequest.Finish(owner.File, csb, written, Image(session, answer, []));
            answer.Header.result = (uint)result;
            if (result != Errno.Success)
                answer.Append(owner.File.LastRefusal?.Reason ?? "");
        }
    }

    /// <summary>The answer as it is now: while it waits to be sent others are made.</summary>
    private Message Keep() => new Message(_answer.Length + RoomForWords).Begin(NmsH.NMS_IOCTL, (Errno)_answer.Header.result).Append(_answer.Body);

    private static CallerMemory Image(Session session, Message answer, IReadOnlyList<SafeDescriptor> descriptors)
    {
        int head = Unsafe.SizeOf<nms_ioctl>();
        answer.TryRead(out nms_ioctl ioctl);
        return new(answer.Array, Message.HeaderSize + head, (int)ioctl.image_length, session.Program, descriptors);
    }

    private static Message Refuse(Message answer, NetmapException refusal)
    {
        answer.Header.result = (uint)refusal.Errno;
        return answer.Append(refusal.Reason);
    }

    /// <summary>
    /// What waits for a client has a thread of its own, which counts as its user's until it ends; its session takes no other request meanwhile.
    /// </summary>
    /// <param name="session">Whose.</param>
    /// <param name="name">Of the thread.</param>
    /// <param name="work">What to do there.</param>
    /// <param name="then">And then here.</param>
    /// <param name="refusal">ENOMEM, where there is no thread to be had.</param>
    private bool TryRunApart(Session session, string name, Action work, Action then, out NetmapException? refusal)
    {
        ClientAccount account = session.Owner.Account;
        refusal = null;
        if (!account.TryTakeThread())
        {
            refusal = account.NoThread("run");
            return false;
        }
        try
        {
            new Thread(() =>
            {
                Guard.Run(work, session.Owner.Fail);
                account.ReturnThread();
                session.Owner.Control.Post(() => Guard.Run(then, session.Owner.Failed));
            })
            {
                IsBackground = true,
                Name = name,
            }.Start();
        }
        catch (OutOfMemoryException)
        {
            account.ReturnThread();
            refusal = new(Errno.ENOMEM, "run", null, "the server can start no more threads");
            return false;
        }
        session.IsBusy = true;
        return true;
    }

    private void Finish(Session session, Message answer)
    {
        session.IsBusy = false;
        if (!session.Ended.IsCancellationRequested && !Send(session, answer))
            session.Owner.End(session);
    }

    private Message Map(Session session, in nms_map map)
    {
        lock (server.Engine.ControlLock)
        {
            Memory.SharedRegion region = session.Owner.File.Give((long)map.offset, (long)map.length, session.Program.Process);
            _descriptors.Add(region.Duplicate());
            return _answer.Begin(NmsH.NMS_MAP).Append(map with { offset = (ulong)region.FileOffset + map.offset, length = (ulong)region.Length });
        }
    }

    /// <summary>
    /// Anybody who may open a port may leave frames of it to the host. The instructions are checked before anything is made of them.
    /// </summary>
    private Message Filter(NetmapFile file, FilterMessage filter)
    {
        lock (server.Engine.ControlLock)
        {
            file.Filter = filter.ToFilter(null);
            return _answer.Begin(NmsH.NMS_FILTER);
        }
    }

    /// <summary>Who else may open the port, and whose port it may be, in two lines.</summary>
    private Message Share(NetmapFile file, string words)
    {
        string[] lines = words.Split('\n', 2);
        lock (server.Engine.ControlLock)
            file.Share(lines[0], lines.Length > 1 ? lines[1] : "", null);
        return _answer.Begin(NmsH.NMS_SHARE);
    }

    private Message ShareSwitch(NetmapFile file, string words)
    {
        string[] parts = words.Split('=', 2);
        lock (server.Engine.ControlLock)
            ValeRequests.Share(file.Caller, parts[0], parts.Length > 1 ? parts[1] : "");
        return _answer.Begin(NmsH.NMS_SHARE_SWITCH);
    }

    /// <summary>All users may read parameters; administrators set them.</summary>
    private string Parameter(Session session)
    {
        string[] words = Words().Split('=', 2);
        if (words.Length == 2)
        {
            Permission.Administer(session.Owner.File.Caller, "set", words[0]);
            if (!long.TryParse(words[1], NumberStyles.Integer, CultureInfo.InvariantCulture, out long value))
                throw new NetmapException(Errno.EINVAL, "set", words[0], $"'{words[1]}' is not a number");
            server.Hosted.SetParameter(words[0], value);
            server.Log.Set(session.Owner.Opener.uid, words[0], words[1]);
        }
        IEnumerable<KeyValuePair<string, long>> chosen = server.Hosted.GetParameters().Where(p => words[0].Length == 0 || p.Key == words[0]);
        string text = string.Join('\n', chosen.Select(p => string.Create(CultureInfo.InvariantCulture, $"{p.Key}={p.Value}")));
        return text.Length > 0 ? text : throw new NetmapException(Errno.EINVAL, "get", words[0], "no such parameter");
    }

    private string Words() => Encoding.UTF8.GetString(_request.Body);

    /// <summary>A switch's name has no colon, a port's has.</summary>
    private string Statistics(NetmapFile file, string name) => name.Length > 0 && !name.Contains(':')
        ? PortJson.OfSwitch(server.Engine, name) : PortJson.Statistics(file, name);

    /// <exception cref="NetmapException">E2BIG: half of an answer is none.</exception>
    private Message Text(string text) => Encoding.UTF8.GetByteCount(text) <= NmsH.NMS_ANSWER_MAX - Message.HeaderSize
        ? _answer.Begin(_request.Header.type).Append(text)
        : throw new NetmapException(Errno.E2BIG, "ask", null, "the answer is longer than a message can be; ask for less at a time");

    private bool Send(Session session, Message answer)
    {
        server.Counts.AddAnswered();
        bool withMemory = answer.Header is { type: NmsH.NMS_MAP, result: 0 };
        return !session.Socket.Send(answer.Bytes, withMemory ? [_descriptors[^1].Fd] : [], SysSocket.MSG_DONTWAIT).IsError;
    }
}
