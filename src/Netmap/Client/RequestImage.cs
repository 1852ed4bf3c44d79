using System.Runtime.InteropServices;
using Netmap.Control;
using Netmap.Interop;

namespace Netmap.Client;

/// <summary>
/// NIOCCTRL as an image (docs/protocol.md): header, body and options copied together, pointers become offsets; and the answer copied
/// back over them. The memory is this process's own and good.
/// </summary>
internal static unsafe class RequestImage
{
    /// <summary>Appends the ioctl and its image.</summary>
    public static void Write(Message message, nmreq_header* header, LentDescriptor? lent = null)
    {
        int bodySize = Math.Max(ControlRequest.BodySize(header->nr_reqtype), 0);
        List<byte> image = [];
        nmreq_header head = *header;
        head.nr_body = header->nr_body == 0 ? 0 : (ulong)sizeof(nmreq_header);
        ulong next = (ulong)(sizeof(nmreq_header) + bodySize + 7) & ~7ul;
        head.nr_options = header->nr_options == 0 ? 0 : next;
        Append(image, &head, sizeof(nmreq_header));
        Append(image, (void*)header->nr_body, header->nr_body == 0 ? 0 : bodySize);
        for (nmreq_option* option = (nmreq_option*)header->nr_options; option != null; option = (nmreq_option*)option->nro_next)
        {
            while ((ulong)image.Count < next)
                image.Add(0);
            int size = OptionList.SizeOf(*option);
            next = (ulong)(image.Count + size + 7) & ~7ul;
            Append(image, option, size);
            ulong link = option->nro_next == 0 ? 0 : next;
            MemoryMarshal.Write(CollectionsMarshal.AsSpan(image)[(image.Count - size)..], in link);
        }
        nms_ioctl ioctl = new() { request = NetmapH.NIOCCTRL, image_length = (uint)image.Count };
        if (lent is not null)
            (ioctl.flags, ioctl.extmem_offset) = (NmsH.NMS_IOCTL_EXTMEM, (ulong)lent.Offset);
        message.Append(ioctl).Append(CollectionsMarshal.AsSpan(image));
    }

    /// <summary>Copies an answer back: statuses always, bodies after success.</summary>
    public static void Read(ReadOnlySpan<byte> image, nmreq_header* header, bool succeeded)
    {
        int bodySize = Math.Max(ControlRequest.BodySize(header->nr_reqtype), 0);
        // VALE_LIST answers in the name.
        nmreq_header answered = MemoryMarshal.Read<nmreq_header>(image);
        new ReadOnlySpan<byte>(answered.nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ).CopyTo(new Span<byte>(header->nr_name, NetmapH.NETMAP_REQ_IFNAMSIZ));
        if (succeeded && header->nr_body != 0)
            image.Slice(sizeof(nmreq_header), bodySize).CopyTo(new Span<byte>((void*)header->nr_body, bodySize));
        int at = (sizeof(nmreq_header) + bodySize + 7) & ~7;
        for (nmreq_option* option = (nmreq_option*)header->nr_options; option != null; option = (nmreq_option*)option->nro_next)
        {
            int size = OptionList.SizeOf(*option);
            option->nro_status = MemoryMarshal.Read<nmreq_option>(image[at..]).nro_status;
            if (succeeded && option->nro_status == 0)
                image.Slice(at + sizeof(nmreq_option), size - sizeof(nmreq_option))
                    .CopyTo(new Span<byte>(option + 1, size - sizeof(nmreq_option)));
            at = (at + size + 7) & ~7;
        }
    }

    private static void Append(List<byte> image, void* data, int size) => image.AddRange(new ReadOnlySpan<byte>(data, size));
}
