/* Reads port names from standard input, a line each, and prints what libnetmap makes of each. */
#include <libnetmap.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
count(struct nmctx *ctx, const char *message)
{
	(void)ctx;
	fprintf(stderr, "%s\n", message);
}

int
main(int argc, char **argv)
{
	char line[512];

	nmctx_get()->error = count;
	if (argc > 1 && nmport_enable_option(argv[1]) < 0)
		return 2;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct nmport_d *d;
		struct nmreq_option *o;

		line[strcspn(line, "\n")] = '\0';
		errno = 0;
		d = nmport_prepare(line);
		if (d == NULL) {
			printf("refused %d\n", errno);
			continue;
		}
		printf("%s %u %u 0x%llx %u %u/%u %u/%u %u/%u", d->hdr.nr_name, d->reg.nr_mode, d->reg.nr_ringid,
		    (unsigned long long)d->reg.nr_flags, d->reg.nr_mem_id, d->reg.nr_tx_rings, d->reg.nr_rx_rings,
		    d->reg.nr_tx_slots, d->reg.nr_rx_slots, d->reg.nr_host_tx_rings, d->reg.nr_host_rx_rings);
		nmreq_foreach_option(&d->hdr, o) {
			struct nmreq_opt_offsets *offsets = (struct nmreq_opt_offsets *)o;

			printf(" %s %llu %u", nmreq_option_name(o->nro_reqtype),
			    (unsigned long long)offsets->nro_initial_offset, offsets->nro_offset_bits);
		}
		printf("\n");
		nmport_undo_prepare(d);
	}
	return 0;
}
