using Netmap.Cli.Common;
using Netmap.Cli.PktGen;
using PacketDotNet;

namespace Netmap.Tests.Unit.Cli;

/// <summary>Options of pkt-gen, each on its own, and the frames it makes, read back by PacketDotNet.</summary>
public sealed class PktGenTests
{
    private static readonly byte[] s_mac = [2, 0, 0, 0, 0, 9];

    [Theory]
    [InlineData("-f tx", "Function", "tx")]
    [InlineData("-n 17", "Count", "17")]
    [InlineData("-l 100", "MaxSize", "100")]
    [InlineData("-l 1000 -l 100", "MinSize", "100")]
    [InlineData("-b 9", "Burst", "9")]
    [InlineData("", "Burst", "512")]
    [InlineData("-f ping", "Burst", "1")]
    [InlineData("-6", "Ipv6", "True")]
    [InlineData("-a 1", "FirstCpu", "1")]
    [InlineData("-c 0", "Cpus", "0")]
    [InlineData("-p 4", "Threads", "4")]
    [InlineData("-T 100", "Interval", "00:00:00.1000000")]
    [InlineData("-w 1.5", "Wait", "00:00:01.5000000")]
    [InlineData("-R 1000", "Rate", "1000")]
    [InlineData("-X", "Dump", "True")]
    [InlineData("-N", "RawUnits", "True")]
    [InlineData("-A", "Average", "True")]
    [InlineData("-B", "Framing", "True")]
    [InlineData("-z", "RandomSource", "True")]
    [InlineData("-Z", "RandomDestination", "True")]
    [InlineData("-r", "Rubbish", "True")]
    [InlineData("-F 3", "Fragments", "3")]
    [InlineData("-M 64", "FragmentSize", "64")]
    [InlineData("-W", "StopWhenSilent", "True")]
    [InlineData("-o 1600", "RandomDestination", "True")]
    [InlineData("-o 64", "Dump", "True")]
    [InlineData("-v", "Verbose", "True")]
    [InlineData("--json", "Json", "True")]
    public void EachFlagSetsItsOption(string flags, string property, string value) =>
        Assert.Equal(value, typeof(PktGenOptions).GetProperty(property)!.GetValue(Read(flags))!.ToString());

    [Theory]
    [InlineData("-f walk")]
    [InlineData("-n -1")]
    [InlineData("-l 15")]
    [InlineData("-l 65536 --buffer-size 65536")]
    [InlineData("-b 0")]
    [InlineData("-b 9000")]
    [InlineData("-p 0")]
    [InlineData("-w -1")]
    [InlineData("-n 1 -p 2")]
    [InlineData("-w NaN")]
    [InlineData("-F 64")]
    [InlineData("-s 10.0.0")]
    [InlineData("-s 10.0.0.2-10.0.0.1")]
    [InlineData("-s fd00::1")]
    [InlineData("-6 -d 10.0.0.1")]
    [InlineData("-S xx")]
    [InlineData("-D 02:00:00:00:00")]
    [InlineData("-f txseq -l 40")]
    [InlineData("-l 4000")]
    public void NonsenseIsAUsageError(string flags) => Assert.Throws<UsageException>(() => Read(flags));

    [Theory]
    [InlineData("", 60)]
    [InlineData("-l 1500", 1500)]
    [InlineData("-l 43", 43)]
    [InlineData("-6 -l 80", 80)]
    [InlineData("-s 10.0.0.1:5-10.0.0.9:9 -d 192.168.1.1:80", 60)]
    [InlineData("-z -Z", 60)]
    public void FramesAreValidUdp(string flags, int length)
    {
        FrameSource source = new(Read(flags), s_mac);
        byte[] buffer = new byte[2048];
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(length, source.Write(buffer));
            EthernetPacket frame = Parse(buffer[..length]);
            UdpPacket udp = frame.Extract<UdpPacket>();
            Assert.True(udp.ValidUdpChecksum, $"frame {i}");
            if (frame.PayloadPacket is IPv4Packet ip)
                Assert.True(ip.ValidIPChecksum);
            Assert.Equal("020000000009", frame.SourceHardwareAddress.ToString());
            Assert.Equal("FFFFFFFFFFFF", frame.DestinationHardwareAddress.ToString());
        }
    }

    [Fact]
    public void RangesCycleThroughPortsThenAddresses()
    {
        FrameSource source = new(Read("-s 10.0.0.254:7-10.0.1.1:8"), s_mac);
        byte[] buffer = new byte[60];
        List<string> seen = [];
        for (int i = 0; i < 9; i++)
        {
            source.Write(buffer);
            EthernetPacket frame = Parse(buffer);
            seen.Add($"{((IPPacket)frame.PayloadPacket).SourceAddress}:{frame.Extract<UdpPacket>().SourcePort}");
        }
        Assert.Equal(["10.0.0.254:8", "10.0.0.255:7", "10.0.0.255:8", "10.0.1.0:7", "10.0.1.0:8", "10.0.1.1:7", "10.0.1.1:8",
            "10.0.0.254:7", "10.0.0.254:8"], seen);
    }

    [Fact]
    public void NumberedFramesKeepTheirChecksum()
    {
        FrameSource source = new(Read("-f txseq"), s_mac);
        byte[] buffer = new byte[60];
        source.Write(buffer);
        source.Number(buffer, 0xdeadbeef);
        Assert.True(Parse(buffer).Extract<UdpPacket>().ValidUdpChecksum);
        Assert.Equal([0xde, 0xad, 0xbe, 0xef], buffer[42..46]);
    }

    [Fact]
    public void RandomSizesStayWithinTheirBounds()
    {
        FrameSource source = new(Read("-l 64 -l 128"), s_mac);
        byte[] buffer = new byte[2048];
        int[] sizes = [.. Enumerable.Range(0, 500).Select(_ => source.Write(buffer))];
        Assert.Equal((64, 128), (sizes.Min(), sizes.Max()));
    }

    private static EthernetPacket Parse(byte[] frame) => (EthernetPacket)Packet.ParsePacket(LinkLayers.Ethernet, frame);

    private static PktGenOptions Read(string flags) =>
        PktGenCommand.Read(PktGenCommand.Create().Parse(["-i", "x", .. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries)]));
}
