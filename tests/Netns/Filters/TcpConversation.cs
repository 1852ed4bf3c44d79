using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Netmap.Links;

namespace Netmap.Tests.Netns.Filters;

/// <summary>
/// A TCP connection from one host to another, with the manners of a remote shell: keystrokes that are echoed, and now and then
/// a lot of output. Every byte is checked at the other end.
/// </summary>
internal sealed class TcpConversation : IDisposable
{
    private readonly TcpListener _listener;
    private readonly TcpClient _client;
    private readonly TcpClient _server;

    /// <summary>Connects, within bounds.</summary>
    public TcpConversation(NetworkNamespace from, NetworkNamespace to, string address, int port)
    {
        _listener = to.Run(() =>
        {
            TcpListener bound = new(IPAddress.Parse(address), port);
            bound.Start();
            return bound;
        });
        _client = from.Run(() => new TcpClient(AddressFamily.InterNetwork));
        Assert.True(_client.ConnectAsync(IPAddress.Parse(address), port).Wait(VethLab.Soon), "no connection");
        _server = _listener.AcceptTcpClient();
        foreach (TcpClient end in (TcpClient[])[_client, _server])
            (end.ReceiveTimeout, end.SendTimeout, end.NoDelay) = (30_000, 30_000, true);
    }

    /// <summary>One keystroke, echoed.</summary>
    public void Type(byte key)
    {
        _client.GetStream().WriteByte(key);
        Assert.Equal(key, (byte)_server.GetStream().ReadByte());
        _server.GetStream().WriteByte((byte)~key);
        Assert.Equal((byte)~key, (byte)_client.GetStream().ReadByte());
    }

    /// <summary>Random bytes to the server and as many back, both ways at once.</summary>
    public void Exchange(int bytes)
    {
        byte[] data = RandomNumberGenerator.GetBytes(bytes);
        Task[] work =
        [
            Task.Run(() => _client.GetStream().Write(data)),
            Task.Run(() => Check(_server, data)),
            Task.Run(() => _server.GetStream().Write(data)),
            Task.Run(() => Check(_client, data)),
        ];
        Assert.True(Task.WaitAll(work, TimeSpan.FromSeconds(60)), "the transfer does not end");
    }

    public void Dispose()
    {
        _client.Dispose();
        _server.Dispose();
        _listener.Dispose();
    }

    private static void Check(TcpClient end, byte[] data)
    {
        byte[] found = new byte[data.Length];
        end.GetStream().ReadExactly(found);
        Assert.True(found.AsSpan().SequenceEqual(data), "bytes have changed");
    }
}
