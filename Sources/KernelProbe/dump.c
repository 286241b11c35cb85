// SPDX-License-Identifier: GPL-2.0
/* The state that the model must end in, too: zones, lists in their order, pageblocks, per-CPU lists. */
#include "probe.h"

#include <linux/percpu.h>
#include <linux/sched.h>

/* Numbers at equal distances, as "first*count:distance", since lists are long and mostly regular. */
struct run {
	struct probe_out *out;
	unsigned long first, last, count;
	long step;
};

static void run_end(struct run *run)
{
	if (run->count == 1)
		probe_print(run->out, " %lu", run->first);
	else if (run->count)
		probe_print(run->out, " %lu*%lu:%ld", run->first, run->count, run->step);
	run->count = 0;
}

static void run_add(struct run *run, unsigned long number)
{
	const long step = (long)(number - run->last);

	if (run->count == 1 || (run->count && step == run->step)) {
		run->step = step;
		run->count++;
	} else {
		run_end(run);
		run->first = number;
		run->count = 1;
	}
	run->last = number;
}

static void dump_list(struct probe_out *out, struct list_head *list)
{
	struct run run = { .out = out };
	struct page *page;

	list_for_each_entry(page, list, lru)
		run_add(&run, page_to_pfn(page));
	run_end(&run);
	probe_print(out, "\n");
}

static void dump_lists(struct probe_out *out, struct zone *zone)
{
	int order, type;

	for (order = 0; order <= PROBE_MAX_ORDER; order++) {
		probe_print(out, "free order=%d nr_free=%lu\n", order, zone->free_area[order].nr_free);
		for (type = 0; type < MIGRATE_TYPES; type++) {
			if (list_empty(&zone->free_area[order].free_list[type]))
				continue;
			probe_print(out, "list order=%d type=%d", order, type);
			dump_list(out, &zone->free_area[order].free_list[type]);
		}
	}
}

static void dump_pcp(struct probe_out *out, struct zone *zone)
{
	int cpu, list;

	for_each_online_cpu(cpu) {
		struct per_cpu_pages *pcp = per_cpu_ptr(zone->per_cpu_pageset, cpu);

		probe_print(out, "pcp cpu=%d count=%d high=%d batch=%d\n", cpu, pcp->count, pcp->high, pcp->batch);
		for (list = 0; list < NR_PCP_LISTS; list++) {
			if (list_empty(&pcp->lists[list]))
				continue;
			probe_print(out, "pcplist cpu=%d list=%d", cpu, list);
			dump_list(out, &pcp->lists[list]);
		}
	}
}

void probe_dump(struct probe_out *out)
{
	int nid, index;
	struct zone *zone;

	probe_for_each_zone(nid, index, zone) {
		probe_print(out, "zone node=%d name=%s start=%lu spanned=%lu present=%lu managed=%lu", nid, zone->name,
			    zone->zone_start_pfn, zone->spanned_pages, zone->present_pages, zone_managed_pages(zone));
		probe_print(out, " min=%lu low=%lu high=%lu boost=%lu nr_free_pages=%ld\n", zone->_watermark[WMARK_MIN],
			    zone->_watermark[WMARK_LOW], zone->_watermark[WMARK_HIGH], zone->watermark_boost,
			    atomic_long_read(&zone->vm_stat[NR_FREE_PAGES]));
		dump_lists(out, zone);
		dump_pcp(out, zone);
		cond_resched();
	}
}
