using System.Diagnostics;
using System.Globalization;
using CsCheck;
using Netmap.Client;
using Netmap.Interop;
using Netmap.Server;

namespace Netmap.Tests.Model;

/// <summary>
/// Random messages, most of them nearly right, against a server: it answers the next honest client, and has nothing left of the others.
/// NETMAP_FUZZ_SECONDS sets how long; the documented long run is 3600.
/// </summary>
public sealed unsafe class ServerFuzzTests
{
    private static readonly ushort[] s_requests = [.. Enumerable.Range(0, 17).Select(i => (ushort)i)];

    private static double Seconds => double.Parse(Environment.GetEnvironmentVariable("NETMAP_FUZZ_SECONDS") ?? "4", CultureInfo.InvariantCulture);

    /// <summary>An NIOCCTRL image: a header that points about right, a body and options of any bytes.</summary>
    private static readonly Gen<byte[]> s_image =
        from type in OneOf(s_requests)
        from name in OneOf("vale0:a", "netmap", "x{1", "x}1", "vale0:", "", "nosuch0", "valeX:b{2")
        from body in Gen.Frequency((8, Gen.Const(88ul)), (2, Gen.ULong[0, 5000]), (1, Gen.ULong))
        from options in Gen.Frequency((6, Gen.Const(0ul)), (4, Gen.ULong[88, 300]), (1, Gen.Const(NmsH.NMS_LIST_GOES_ON)))
        from rest in Gen.Byte.Array[0, 300]
        from small in Gen.Bool
        select Image(type, name, body, options, rest, small);

    private static readonly Gen<byte[]> s_message =
        from type in Gen.Frequency((6, Gen.Const(NmsH.NMS_IOCTL)), (4, Gen.UShort[1, 10]), (1, Gen.UShort))
        from request in Gen.Frequency((8, Gen.Const(NetmapH.NIOCCTRL)), (2, OneOf(NetmapH.NIOCREGIF, NetmapH.NIOCGINFO, NetmapH.NIOCTXSYNC)), (1, Gen.UInt))
        from image in Gen.Frequency((8, s_image), (2, Gen.Byte.Array[0, 200]))
        from lie in Gen.Frequency((9, Gen.Const(0)), (1, Gen.Int[-40, 40]))
        from flip in Gen.Frequency((8, Gen.Const(-1)), (1, Gen.Int[0, 60]))
        from filter in Gen.Int[0, 1000]
        select Bytes(type, request, image, lie, flip, filter);

    [Fact]
    public void TheServerSurvivesAndForgets()
    {
        using NetmapEngine engine = new(new NetmapEngineOptions { BufferCount = 4096 });
        using NetmapServer server = new(engine, new() { Host = $"@netmap-fuzz-{Environment.ProcessId}", MemoryPerUser = 200 << 20 });
        string host = server.Options.Host;
        Stopwatch watch = Stopwatch.StartNew();
        long messages = 0;
        while (watch.Elapsed.TotalSeconds < Seconds)
        {
            s_message.Array[1, 20].Sample(all => messages += Send(host, all), iter: 20, threads: 1);
            using NetmapPort honest = NetmapPort.Open("vale9:honest", new() { Host = host });
            honest.TxSync();
            Assert.Equal("vale", honest.Info.Adapter);
        }
        Assert.True(messages > 100);
        for (int i = 0; i < 1000 && server.GetStatus().Files.Count > 0; i++)
            Thread.Sleep(10);
        Assert.Empty(server.GetStatus().Files);
    }

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static int Send(string host, byte[][] messages)
    {
        using MessageSocket connection = MessageSocket.Connect(host);
        byte[] answer = new byte[NmsH.NMS_ANSWER_MAX];
        List<SafeDescriptor> received = [];
        (MessageSocket ours, MessageSocket theirs) = MessageSocket.Pair();
        connection.Send(new Message(64).Begin(NmsH.NMS_ATTACH).Bytes, [theirs.Descriptor]);
        theirs.Dispose();
        int sent = 0;
        foreach (byte[] message in messages)
        {
            // The first answer is the session's own.
            if (ours.Receive(answer, received).Value <= 0 || ours.Send(message).IsError)
                break;
            sent++;
        }
        ours.Dispose();
        received.ForEach(descriptor => descriptor.Dispose());
        return sent;
    }

    private static byte[] Image(ushort type, string name, ulong body, ulong options, byte[] rest, bool small)
    {
        nmreq_header header = new() { nr_version = NetmapH.NETMAP_API, nr_reqtype = type, nr_body = body, nr_options = options };
        for (int i = 0; i < name.Length; i++)
            header.nr_name[i] = (byte)name[i];
        byte[] image = [.. new ReadOnlySpan<byte>(&header, sizeof(nmreq_header)), .. rest];
        // Small numbers reach further than random ones.
        for (int i = sizeof(nmreq_header); small && i < image.Length; i++)
            image[i] = (byte)(i % 4 == 0 ? image[i] % 6 : 0);
        return image;
    }

    private static byte[] Bytes(ushort type, uint request, byte[] image, int lie, int flip, int filter)
    {
        Message message = new(NmsH.NMS_REQUEST_MAX);
        message.Begin(type);
        if (type == NmsH.NMS_IOCTL)
            message.Append(new nms_ioctl { request = request, image_length = (uint)(image.Length + lie) });
        // Most of what is random is no instruction; a verdict at the end makes some of it nearly a filter.
        if (type == NmsH.NMS_FILTER)
            message.Append(new nms_filter { count = (uint)(filter + (image.Length / 8) + lie) % NmsH.NMS_FILTER_MAX })
                .Append(new byte[8 * (filter % 100)]).Append(new sock_filter(LinuxFilter.BPF_RET | LinuxFilter.BPF_K, 0, 0, 1));
        byte[] bytes = [.. message.Append(image).Bytes];
        if (flip >= 0 && flip < bytes.Length)
            bytes[flip] ^= 0x5a;
        return bytes;
    }
}
