// SPDX-License-Identifier: GPL-2.0
/* The state that the model must end in, too: zones, lists in their order, pageblocks, per-CPU lists. */
#include "probe.h"

#include <linux/percpu.h>

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
	else if (run->count == 2)
		probe_print(run->out, " %lu %lu", run->first, run->last);
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

#ifndef MODULE
/* The types of the pageblocks that the zone reaches into, as runs of equal ones. */
static void dump_pageblocks(struct probe_out *out, struct zone *zone)
{
	const unsigned long end = zone_end_pfn(zone);
	unsigned long pfn = zone->zone_start_pfn & ~(pageblock_nr_pages - 1);
	unsigned long count = 0;
	int type = -1;

	probe_print(out, "pageblocks order=%d start=%lu", pageblock_order, pfn);
	for (; pfn < end; pfn += pageblock_nr_pages) {
		const int next = get_pageblock_migratetype(pfn_to_page(pfn));

		if (next != type && count) {
			probe_print(out, " %d*%lu", type, count);
			count = 0;
		}
		type = next;
		count++;
	}
	probe_print(out, " %d*%lu\n", type, count);
}
#else
/* What reads them isn't exported. */
static void dump_pageblocks(struct probe_out *out, struct zone *zone) { }
#endif

/*
 * Blocks on a per-CPU list that were freed from a HIGHATOMIC pageblock: they are among the movable ones, and go back to
 * HIGHATOMIC's lists. Later kernels read the pageblock again instead.
 */
static void dump_noted(struct probe_out *out, struct list_head *list, int cpu)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 10, 0)
	struct run run = { .out = out };
	struct page *page;
	bool any = false;

	list_for_each_entry(page, list, lru) {
		if (page->index != MIGRATE_HIGHATOMIC)
			continue;
		if (!any)
			probe_print(out, "pcpnoted cpu=%d type=%d", cpu, MIGRATE_HIGHATOMIC);
		any = true;
		run_add(&run, page_to_pfn(page));
	}
	run_end(&run);
	if (any)
		probe_print(out, "\n");
#endif
}

static void dump_pcp(struct probe_out *out, struct zone *zone)
{
	int cpu, list;

	for_each_online_cpu(cpu) {
		struct per_cpu_pages *pcp = per_cpu_ptr(zone->per_cpu_pageset, cpu);

		probe_print(out, "pcp cpu=%d count=%d high=%d batch=%d", cpu, pcp->count, pcp->high, pcp->batch);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
		probe_print(out, " free_factor=%d", pcp->free_factor);
#else
		probe_print(out, " alloc_factor=%u free_count=%d flags=%u", pcp->alloc_factor, pcp->free_count,
			    pcp->flags);
#endif
		probe_print(out, "\n");
		for (list = 0; list < NR_PCP_LISTS; list++) {
			if (list_empty(&pcp->lists[list]))
				continue;
			probe_print(out, "pcplist cpu=%d list=%d", cpu, list);
			dump_list(out, &pcp->lists[list]);
			dump_noted(out, &pcp->lists[list], cpu);
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
		probe_print(out, " min=%lu low=%lu high=%lu boost=%lu highatomic=%lu nr_free_pages=%lu\n",
			    zone->_watermark[WMARK_MIN], zone->_watermark[WMARK_LOW], zone->_watermark[WMARK_HIGH],
			    zone->watermark_boost, zone->nr_reserved_highatomic, zone_page_state(zone, NR_FREE_PAGES));
		dump_lists(out, zone);
		dump_pageblocks(out, zone);
		dump_pcp(out, zone);
	}
}
