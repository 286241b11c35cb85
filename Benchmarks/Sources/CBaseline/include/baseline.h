#ifndef HINTBENCH_BASELINE_H
#define HINTBENCH_BASELINE_H

#include <stddef.h>
#include <stdint.h>

struct list_head;
struct zone;

/* chost_walk_list() with v8's format: address and length stored for each entry. Returns the words stored. */
size_t baseline_walk_list_sized(const struct list_head *head, uint64_t vmemmap, unsigned shift, uint64_t length,
                                uint64_t *out);

/* A CPU that is inside its per-CPU list already: takes, or gives back, the lock of `cpu`'s per_cpu_pages by hand. An
   allocation or free that comes meanwhile finds it taken and goes to the zone. */
void baseline_set_pcp_busy(struct zone *zone, int cpu, int busy);

#endif
