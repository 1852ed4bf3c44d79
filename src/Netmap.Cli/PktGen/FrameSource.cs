using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Netmap.Cli.PktGen;

/// <summary>
/// Writes the frames of one sending thread: Ethernet, IPv4 or IPv6, UDP, with right checksums. The headers come from a
/// template; only what varies between frames is written anew.
/// </summary>
internal sealed class FrameSource
{
    private const int Ethernet = 14;
    private const int Udp = 8;

    private readonly PktGenOptions _options;
    private readonly byte[] _template;
    private readonly byte[] _sourceAddress;
    private readonly byte[] _destinationAddress;
    private readonly Random _random = new(1);
    private readonly int _ip;
    private readonly bool _varies;
    private int _sourcePort;
    private int _destinationPort;

    public FrameSource(PktGenOptions options, byte[] sourceMac)
    {
        _options = options;
        _template = new byte[Math.Max(options.MaxSize, 128)];
        bool six = options.Ipv6;
        _ip = six ? 40 : 20;
        _sourceAddress = AddressOf(options.Source.First, six);
        _destinationAddress = AddressOf(options.Destination.First, six);
        (_sourcePort, _destinationPort) = (options.Source.FirstPort, options.Destination.FirstPort);
        options.DestinationMac.CopyTo(_template, 0);
        sourceMac.CopyTo(_template, 6);
        BinaryPrimitives.WriteUInt16BigEndian(_template.AsSpan(12), (ushort)(six ? 0x86dd : 0x0800));
        Encoding.ASCII.GetBytes("netmap for .NET").CopyTo(_template, Payload);
        WriteHeaders(_template, options.MaxSize);
        _varies = options.RandomSource || options.RandomDestination || !options.Source.IsSingle || !options.Destination.IsSingle;
    }

    /// <summary>Where the UDP payload begins.</summary>
    public int Payload => Ethernet + _ip + Udp;

    /// <summary>True when every frame is the same.</summary>
    public bool IsConstant => !_varies && _options.MinSize == _options.MaxSize;

    /// <summary>The frame, for callers that keep it.</summary>
    public ReadOnlySpan<byte> Template => _template.AsSpan(0, _options.MaxSize);

    /// <summary>Writes the next frame; its length.</summary>
    public int Write(Span<byte> buffer)
    {
        int size = _options.MinSize == _options.MaxSize ? _options.MaxSize : _random.Next(_options.MinSize, _options.MaxSize + 1);
        if (_varies)
            Vary();
        if (_varies || size != _options.MaxSize)
            WriteHeaders(_template, size);
        _template.AsSpan(0, size).CopyTo(buffer);
        return size;
    }

    /// <summary>Puts a number behind the UDP header and mends the checksum; the frame is long enough for it.</summary>
    public void Number(Span<byte> frame, uint number)
    {
        BinaryPrimitives.WriteUInt32BigEndian(frame[Payload..], number);
        WriteUdpChecksum(frame);
    }

    private static byte[] AddressOf(IPAddress address, bool six) => six && address.AddressFamily == AddressFamily.InterNetwork
        ? address.MapToIPv6().GetAddressBytes()
        : address.GetAddressBytes();

    private void Vary()
    {
        Next(_options.RandomSource, _options.Source, _sourceAddress, ref _sourcePort);
        Next(_options.RandomDestination, _options.Destination, _destinationAddress, ref _destinationPort);
    }

    /// <summary>Ports first, then addresses, each wrapping to its first.</summary>
    private void Next(bool random, EndpointRange range, byte[] address, ref int port)
    {
        if (random)
        {
            _random.NextBytes(address.AsSpan(address.Length - 4));
            port = _random.Next(65536);
            return;
        }
        if (range.IsSingle)
            return;
        if (port < range.LastPort)
        {
            port++;
            return;
        }
        port = range.FirstPort;
        Span<byte> last = stackalloc byte[16];
        range.Last.TryWriteBytes(last, out int written);
        if (address.AsSpan().EndsWith(last[..written]))
            range.First.TryWriteBytes(address.AsSpan(address.Length - written), out _);
        else
            EndpointRange.Step(address, address);
    }

    private void WriteHeaders(Span<byte> frame, int size)
    {
        Span<byte> ip = frame[Ethernet..];
        int length = Math.Max(size - Ethernet, _ip + Udp);
        if (_options.Ipv6)
        {
            ip[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(length - _ip));
            (ip[6], ip[7]) = (17, 64);
            _sourceAddress.CopyTo(ip[8..]);
            _destinationAddress.CopyTo(ip[24..]);
        }
        else
        {
            (ip[0], ip[8], ip[9]) = (0x45, 64, 17);
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)length);
            _sourceAddress.CopyTo(ip[12..]);
            _destinationAddress.CopyTo(ip[16..]);
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], 0);
            BinaryPrimitives.WriteUInt16BigEndian(ip[10..], Checksum.Finish(Checksum.Add(0, ip[..20])));
        }
        Span<byte> udp = ip[_ip..];
        BinaryPrimitives.WriteUInt16BigEndian(udp, (ushort)_sourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[2..], (ushort)_destinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)(length - _ip));
        WriteUdpChecksum(frame);
    }

    private void WriteUdpChecksum(Span<byte> frame)
    {
        Span<byte> ip = frame[Ethernet..];
        Span<byte> udp = ip[_ip..];
        int length = BinaryPrimitives.ReadUInt16BigEndian(udp[4..]);
        // A frame shorter than its headers goes out as far as it reaches; there is no payload to sum.
        udp = udp[..Math.Min(length, udp.Length)];
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], 0);
        uint sum = Checksum.Add(17 + (uint)length, _options.Ipv6 ? ip[8..40] : ip[12..20]);
        ushort checksum = Checksum.Finish(Checksum.Add(sum, udp));
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], checksum == 0 ? (ushort)0xffff : checksum);
    }
}
