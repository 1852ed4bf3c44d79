using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Netmap.Links;
using Netmap.Tests.Netns.Peers;

namespace Netmap.Tests.Netns.Tools;

/// <summary>
/// Two hosts with nothing between them but a namespace that has both their wires: left <c>v0</c> 10.9.0.1 to <c>m0</c>, right
/// <c>v1</c> 10.9.0.2 to <c>m1</c>. Hardware offloads are off, as on a machine that runs netmap.
/// </summary>
internal sealed class MiddleLab : IDisposable
{
    public MiddleLab(LinkOptions? options = null)
    {
        Privileges.RequireNamespaces();
        (Left, Middle, Right) = (NetworkNamespace.Create(), NetworkNamespace.Create(), NetworkNamespace.Create());
        Join(Left, "v0", "m0", "10.9.0.1/24", options);
        Join(Right, "v1", "m1", "10.9.0.2/24", options);
    }

    public NetworkNamespace Left { get; }

    public NetworkNamespace Middle { get; }

    public NetworkNamespace Right { get; }

    /// <summary>Somebody has so many of the middle's interfaces: by packet sockets, or by XDP programs on them.</summary>
    public void WaitUntilTaken(int interfaces)
    {
        for (int i = 0; i < 1000; i++)
        {
            int programs = Peer.Run(Middle, "ip", "-o", "link").Split('\n').Count(line => line.Contains("xdp"));
            if (programs >= interfaces || Middle.Run(() => File.ReadAllLines("/proc/thread-self/net/packet").Length > interfaces))
                return;
            Thread.Sleep(10);
        }
        Assert.Fail("nobody opened the interfaces");
    }

    /// <summary>Sends bytes from left to right by the kernels' TCP, and compares their checksums.</summary>
    public void CheckTransfer(long bytes, int port = 7000)
    {
        // Sockets belong to the namespace they were made in.
        using Socket listener = Right.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Any, port));
        listener.Listen();
        using Socket client = Left.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        Task<byte[]> receiving = Task.Run(() => Receive(listener));
        client.Connect(IPAddress.Parse("10.9.0.2"), port);
        using IncrementalHash sent = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] block = new byte[1 << 20];
        Random random = new(1);
        for (long left = bytes; left > 0; left -= block.Length)
        {
            random.NextBytes(block);
            ReadOnlySpan<byte> part = block.AsSpan(0, (int)Math.Min(left, block.Length));
            sent.AppendData(part);
            while (part.Length > 0)
                part = part[client.Send(part)..];
        }
        client.Shutdown(SocketShutdown.Send);
        Assert.True(receiving.Wait(TimeSpan.FromSeconds(120)), "the transfer did not end");
        Assert.Equal(sent.GetHashAndReset(), receiving.Result);
    }

    public void Dispose()
    {
        Left.Dispose();
        Middle.Dispose();
        Right.Dispose();
    }

    private void Join(NetworkNamespace host, string name, string middle, string address, LinkOptions? options)
    {
        host.CreateVeth(name, middle, Middle, options);
        foreach ((NetworkNamespace space, string end) in new[] { (host, name), (Middle, middle) })
        {
            foreach (string offload in new[] { "tx-checksum", "tso", "gso", "gro" })
                space.SetOffload(end, offload, on: false);
            space.DisableIpv6(end);
            space.SetUp(end);
        }
        host.AddAddress(name, address);
    }

    private static byte[] Receive(Socket listener)
    {
        using Socket connection = listener.Accept();
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[] block = new byte[1 << 20];
        int got;
        while ((got = connection.Receive(block)) > 0)
            hash.AppendData(block, 0, got);
        return hash.GetHashAndReset();
    }
}
