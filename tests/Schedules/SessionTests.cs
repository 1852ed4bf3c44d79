using System.Reflection;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Netmap.Client;
using Netmap.Control;
using Netmap.Interop;
using Netmap.Memory;
using Netmap.Rings;
using Netmap.Server;

namespace Netmap.Tests.Schedules;

/// <summary>
/// The page of a session: a client that posts and polls, the worker that answers, parks and sleeps, and a sender in the same process
/// whose frames the client waits for. The worker's thread runs as in the server; the control thread's part, attaching, is done before.
/// </summary>
public sealed unsafe class SessionTests
{
    private const int Frames = 2;

    [Fact]
    public void NoRequestAndNoNewsIsSleptThrough() => Explorer.Explore(Scenario);

    private static void Scenario(Schedule schedule)
    {
        using NetmapEngine engine = Lab.NewEngine();
        using NetmapPort master = NetmapPort.Open("netmap:p{1", Lab.Small, engine);
        NetmapFile file = new(engine.Core.Own, remote: true);
        nmreq_register request = new() { nr_mode = NetmapReq.NR_REG_ALL_NIC };
        lock (engine.Core)
            file.Register("p}1", ref request);
        NetmapServerOptions options = new() { Host = "@none" };
        Worker worker = Make<Worker>(0, options);
        NetmapServer server = (NetmapServer)RuntimeHelpers.GetUninitializedObject(typeof(NetmapServer));
        Set(server, nameof(NetmapServer.Options), options);
        Set(server, nameof(NetmapServer.Processes), new ClientProcesses());
        Set(server, nameof(NetmapServer.Log), new ServerLog(NullLogger.Instance));
        ClientAccount account = new(0, options, DescriptorBudget.OfProcess());
        account.TakeSession();
        ClientThread control = (ClientThread)RuntimeHelpers.GetUninitializedObject(typeof(ClientThread));
        Set(control, nameof(ClientThread.Server), server);
        Set(control, nameof(ClientThread.Account), account);
        OpenFile owner = (OpenFile)RuntimeHelpers.GetUninitializedObject(typeof(OpenFile));
        Set(owner, nameof(OpenFile.Control), control);
        Set(owner, nameof(OpenFile.File), file);
        Set(owner, nameof(OpenFile.Worker), worker);
        Session session = Attach(owner, out ClientSession client);
        file.Bells.Add(session.Bell);
        worker.Add(session);
        schedule.Together(("client", () => Receive(client, file.Registration!.RxRings[0])), ("sender", () => Lab.Send(master, Frames)));
        worker.Dispose();
        file.Bells.Remove(session.Bell);
        session.Dispose();
        client.Dispose();
        file.Close();
    }

    private static void Receive(ClientSession client, KRing ring)
    {
        netmap_ring* shared = (netmap_ring*)(ring.Memory.Region.Address + ring.Position);
        for (uint got = 0; got < Frames;)
        {
            short found = RemotePoll.Run(client, Poll.POLLIN, Timeout.InfiniteTimeSpan, CancellationToken.None);
            Assert.Equal(Poll.POLLIN, found);
            uint tail = Hooks.VolatileRead(ref shared->tail, 0);
            uint slots = ring.Distance(shared->head, tail);
            Assert.NotEqual(0u, slots);
            got += slots;
            Hooks.VolatileWrite(ref shared->cur, tail, 0);
            Hooks.VolatileWrite(ref shared->head, tail, 0);
        }
        Assert.Equal(Errno.Success, client.Sync(NmsH.NMS_OP_RXSYNC, 0, 0, out _));
    }

    /// <summary>Both ends of a session, as a server's control thread makes them.</summary>
    private static Session Attach(OpenFile owner, out ClientSession client)
    {
        (MessageSocket near, MessageSocket far) = MessageSocket.Pair();
        using MessageSocket server = near;
        using MessageSocket connection = far;
        ClientSession? made = null;
        // Not one of the schedule's: it waits for the answer in the kernel.
        Thread maker = new(() => made = new ClientSession(connection, "test"));
        maker.Start();
        List<SafeDescriptor> received = [];
        Message message = new(NmsH.NMS_ANSWER_MAX);
        Assert.True(server.Receive(message.Room, received).Value > 0);
        MessageSocket socket = new(received[0]);
        using SafeDescriptor memory = SharedPage.Create();
        SharedPage page = new(memory.Fd);
        SafeDescriptor bell = new(SysEventfd.eventfd(0, SysEventfd.EFD_CLOEXEC | SysEventfd.EFD_NONBLOCK).Int32);
        Session session = new(owner, socket, page, bell);
        message.Begin(NmsH.NMS_ATTACH).Append(new nms_attached { spin_ns = 2000, yield_ns = 50_000 });
        socket.Send(message.Bytes, [memory.Fd, bell.Fd], SysSocket.MSG_DONTWAIT);
        maker.Join();
        client = made!;
        return session;
    }

    /// <summary>An object of the server's, whose constructor may ask for parts that have no role here.</summary>
    private static T Make<T>(params object[] known)
    {
        ConstructorInfo constructor = typeof(T).GetConstructors()[0];
        return (T)constructor.Invoke([.. constructor.GetParameters().Select(parameter =>
            Array.Find(known, parameter.ParameterType.IsInstanceOfType) ?? RuntimeHelpers.GetUninitializedObject(parameter.ParameterType))]);
    }

    private static void Set(object owner, string property, object value) =>
        owner.GetType().GetField($"<{property}>k__BackingField", BindingFlags.Instance | BindingFlags.NonPublic)!.SetValue(owner, value);
}
