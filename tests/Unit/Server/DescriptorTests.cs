using Netmap.Client;
using Netmap.Interop;

namespace Netmap.Tests.Unit.Server;

/// <summary>A process without a free descriptor: its client's side says so, its server's side closes what clients close and goes on.</summary>
[Collection(NoDescriptors.Alone)]
public sealed class DescriptorTests
{
    [Fact]
    public async Task AClientWithoutRoomForASessionIsToldSo()
    {
        string host = $"@netmap-full-{Environment.ProcessId}";
        using MessageSocket listener = MessageSocket.Listen(host);
        using MessageSocket connection = MessageSocket.Connect(host);
        using MessageSocket accepted = new(new SafeDescriptor(SysSocket.accept4(listener.Descriptor, SysSocket.SOCK_CLOEXEC).Int32));
        Task<NetmapException> opening = Task.Run(
            () => Assert.Throws<NetmapException>(() => new ClientSession(connection, host)), TestContext.Current.CancellationToken);
        List<SafeDescriptor> session = [];
        accepted.Receive(new byte[64], session);
        using MessageSocket ours = new(session[0]);
        using (new NoDescriptors())
        {
            ours.Send(new Message(64).Begin(NmsH.NMS_ATTACH).Append(default(nms_attached)).Bytes, [listener.Descriptor, listener.Descriptor]);
            NetmapException full = await opening.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            Assert.Equal("EMFILE", full.ErrorName);
            Assert.Contains("ulimit -n", full.Message);
        }
    }

    [Fact]
    public void AServerClosesFilesWithoutOneAndServesAsSoonAsThereIsOne()
    {
        using TestServer server = new();
        using Bystanders honest = new(server);
        NetmapPort port = server.Open("vale0:a");
        using RawClient client = new(server.Host);
        Assert.Equal(Errno.Success, client.Attach());
        (MessageSocket ours, MessageSocket theirs) = MessageSocket.Pair();
        using (new NoDescriptors())
        {
            port.Dispose();
            client.Connection.Send(new Message(64).Begin(NmsH.NMS_ATTACH).Bytes, [theirs.Descriptor]);
            server.WaitForFiles(3);
            honest.Await(1000);
        }
        ours.Dispose();
        theirs.Dispose();
        using NetmapPort again = server.Open("vale0:a");
        honest.Await(1000);
    }
}
