#ifndef HINTBENCH_BASELINE_H
#define HINTBENCH_BASELINE_H

#include <stddef.h>
#include <stdint.h>

struct zone;

/* free-list-fixed-buffer's work on a zone: takes its lock, stores the address of each block of `order`, of all
   migratetypes, from out[count] on until it is out[limit], and gives the lock back. Returns the words stored by then. */
size_t baseline_copy_zone(struct zone *zone, unsigned order, uint64_t vmemmap, unsigned shift, size_t limit,
                          uint64_t *out, size_t count);

/* The same with v8's format, record-unused-pages' work: address and length, with a check that both fit. */
size_t baseline_copy_zone_sized(struct zone *zone, unsigned order, uint64_t vmemmap, unsigned shift, size_t limit,
                                uint64_t *out, size_t count);

/* A CPU that is inside its per-CPU list already: takes, or gives back, the lock of `cpu`'s per_cpu_pages by hand. An
   allocation or free that comes meanwhile finds it taken and goes to the zone. */
void baseline_set_pcp_busy(struct zone *zone, int cpu, int busy);

#endif
