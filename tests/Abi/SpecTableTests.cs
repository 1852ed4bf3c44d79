using System.Text;

namespace Netmap.Tests.Abi;

/// <summary>
/// The layouts as the specification gives them (1.1, 1.2), held here once more, so that header and C# cannot be wrong in
/// the same way.
/// </summary>
public sealed class SpecTableTests
{
    [Theory]
    [InlineData("struct netmap_slot", 16, "buf_idx 0:4, len 4:2, flags 6:2, ptr 8:8")]
    [InlineData("struct netmap_ring", 256, "buf_ofs 0:8, num_slots 8:4, nr_buf_size 12:4, ringid 16:2, dir 18:2, head 20:4, cur 24:4, tail 28:4, flags 32:4, ts 40:16, offset_mask 56:8, buf_align 64:8, sem 128:128, slot 256:0")]
    [InlineData("struct netmap_if", 56, "ni_name 0:16, ni_version 16:4, ni_flags 20:4, ni_tx_rings 24:4, ni_rx_rings 28:4, ni_bufs_head 32:4, ni_host_tx_rings 36:4, ni_host_rx_rings 40:4, ni_spare1 44:12, ring_ofs 56:0")]
    [InlineData("struct nmreq_header", 88, "nr_version 0:2, nr_reqtype 2:2, nr_reserved 4:4, nr_name 8:64, nr_options 72:8, nr_body 80:8")]
    [InlineData("struct nmreq_option", 24, "nro_next 0:8, nro_reqtype 8:4, nro_status 12:4, nro_size 16:8")]
    [InlineData("struct nmreq_register", 56, "nr_offset 0:8, nr_memsize 8:8, nr_tx_slots 16:4, nr_rx_slots 20:4, nr_tx_rings 24:2, nr_rx_rings 26:2, nr_host_tx_rings 28:2, nr_host_rx_rings 30:2, nr_mem_id 32:2, nr_ringid 34:2, nr_mode 36:4, nr_extra_bufs 40:4, nr_flags 48:8")]
    [InlineData("struct nmreq_port_info_get", 32, "nr_memsize 0:8, nr_tx_slots 8:4, nr_rx_slots 12:4, nr_tx_rings 16:2, nr_rx_rings 18:2, nr_host_tx_rings 20:2, nr_host_rx_rings 22:2, nr_mem_id 24:2, pad 26:6")]
    [InlineData("struct nmreq_vale_attach", 64, "reg 0:56, port_index 56:4, pad1 60:4")]
    [InlineData("struct nmreq_vale_list", 8, "nr_bridge_idx 0:2, pad1 2:2, nr_port_idx 4:4")]
    [InlineData("struct nmreq_vale_newif", 16, "nr_tx_slots 0:4, nr_rx_slots 4:4, nr_tx_rings 8:2, nr_rx_rings 10:2, nr_mem_id 12:2, pad1 14:2")]
    [InlineData("struct nmreq_vale_polling", 16, "nr_mode 0:4, nr_first_cpu_id 4:4, nr_num_polling_cpus 8:4, pad1 12:4")]
    [InlineData("struct nmreq_pools_info", 64, "nr_memsize 0:8, nr_mem_id 8:2, pad1 10:6, nr_if_pool_offset 16:8, nr_if_pool_objtotal 24:4, nr_if_pool_objsize 28:4, nr_ring_pool_offset 32:8, nr_ring_pool_objtotal 40:4, nr_ring_pool_objsize 44:4, nr_buf_pool_offset 48:8, nr_buf_pool_objtotal 56:4, nr_buf_pool_objsize 60:4")]
    [InlineData("struct nm_csb_atok", 64, "head 0:4, cur 4:4, appl_need_kick 8:4, sync_flags 12:4")]
    [InlineData("struct nm_csb_ktoa", 64, "hwcur 0:4, hwtail 4:4, kern_need_kick 8:4")]
    [InlineData("struct nmreq_opt_extmem", 96, "nro_opt 0:24, nro_usrptr 24:8, nro_info 32:64")]
    [InlineData("struct nmreq_opt_csb", 40, "csb_atok 24:8, csb_ktoa 32:8")]
    [InlineData("struct nmreq_opt_sync_kloop_eventfds", 24, "eventfds 24:0")]
    [InlineData("struct nmreq_opt_sync_kloop_mode", 32, "mode 24:4")]
    [InlineData("struct nmreq_opt_offsets", 56, "nro_max_offset 24:8, nro_initial_offset 32:8, nro_offset_bits 40:4, nro_tx_align 44:4, nro_min_gap 48:8")]
    [InlineData("struct nmreq", 60, "nr_name 0:16, nr_version 16:4, nr_offset 20:4, nr_memsize 24:4, nr_tx_slots 28:4, nr_rx_slots 32:4, nr_tx_rings 36:2, nr_rx_rings 38:2, nr_ringid 40:2, nr_cmd 42:2, nr_arg1 44:2, nr_arg2 46:2, nr_arg3 48:4, nr_flags 52:4, spare2 56:4")]
    [InlineData("struct nm_ifreq", 272, "nifr_name 0:16, data 16:256")]
    [InlineData("struct nmport_d", 216, "hdr 0:88, reg 88:56, mem 144:8, ctx 152:8, register_done 160:4, mmap_done 164:4, extmem 168:8, fd 176:4, nifp 184:8, first_tx_ring 192:2, last_tx_ring 194:2, first_rx_ring 196:2, last_rx_ring 198:2, cur_tx_ring 200:2, cur_rx_ring 202:2, clist 208:8")]
    public void OurHeadersFollowTheTable(string name, int size, string fields)
    {
        Gcc.Require();
        StringBuilder program = new($"#include <stddef.h>\n#include <libnetmap.h>\n_Static_assert(sizeof({name}) == {size}, \"size\");\n");
        foreach (string entry in fields.Split(", "))
        {
            string[] parts = entry.Split(' ', ':');
            program.AppendLine($"_Static_assert(offsetof({name}, {parts[0]}) == {parts[1]}, \"{parts[0]} offset\");");
            program.AppendLine($"_Static_assert(sizeof((({name} *)0)->{parts[0]}) == {parts[2]}, \"{parts[0]} size\");");
        }
        Assert.Null(Gcc.Check(program.ToString()));
    }

    [Fact]
    public void IoctlNumbersAreThoseOfTheReference()
    {
        Gcc.Require();
        Assert.Null(Gcc.Check("""
            #include <net/netmap.h>
            _Static_assert(NIOCGINFO == 0xC03C6991 && NIOCREGIF == 0xC03C6992 && NIOCTXSYNC == 0x6994, "a");
            _Static_assert(NIOCRXSYNC == 0x6995 && NIOCCONFIG == 0xC1106996 && NIOCCTRL == 0xC0586997, "b");
            """));
    }

    [Theory]
    [InlineData("sender.c")]
    [InlineData("receiver.c")]
    [InlineData("control.c")]
    public void CProgramsCompileAgainstOurHeaders(string program)
    {
        Gcc.Require();
        string source = File.ReadAllText(Path.Combine(Gcc.Programs, program));
        Assert.Null(Gcc.Check(source, "-std=gnu99", "-Wall", "-Wextra", "-Werror"));
        Assert.Null(Gcc.Check(source, "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2"));
    }
}
