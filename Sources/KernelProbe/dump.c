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

/* Where a list's PFNs are copied to while its lock is held; they are printed afterwards. */
struct copy {
	u64 *words;
	size_t capacity;
};

/* Returns 0, -ETIME if copying takes longer than a hold may, or -E2BIG. */
static int dump_list(struct probe_out *out, struct zone *zone, struct list_head *list, struct copy *copy)
{
	struct probe_session session = { .max_hold_ticks = probe_hold_default() };
	struct run run = { .out = out };
	struct page *page;
	size_t count = 0, i;
	int error = 0;

	probe_lock(&session, zone);
	list_for_each_entry(page, list, lru) {
		if (count == copy->capacity) {
			error = -E2BIG;
			break;
		}
		copy->words[count++] = page_to_pfn(page);
		if (probe_must_end(&session, count)) {
			error = -ETIME;
			break;
		}
	}
	probe_unlock(&session, count);
	for (i = 0; i < count; i++)
		run_add(&run, copy->words[i]);
	run_end(&run);
	probe_print(out, "\n");
	return error;
}

static int dump_lists(struct probe_out *out, struct zone *zone, struct copy *copy)
{
	int order, type, error;

	for (order = 0; order <= PROBE_MAX_ORDER; order++) {
		probe_print(out, "free order=%d nr_free=%lu\n", order, zone->free_area[order].nr_free);
		for (type = 0; type < MIGRATE_TYPES; type++) {
			if (list_empty(&zone->free_area[order].free_list[type]))
				continue;
			probe_print(out, "list order=%d type=%d", order, type);
			error = dump_list(out, zone, &zone->free_area[order].free_list[type], copy);
			if (error)
				return error;
			/* Within a trace nothing else may run. */
			if (!irqs_disabled())
				cond_resched();
		}
	}
	return 0;
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

#ifndef MODULE
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

/* Nothing else runs in User Mode Linux, so that their lock isn't needed; elsewhere their pages aren't listed. */
static void dump_pcp_lists(struct probe_out *out, struct per_cpu_pages *pcp, int cpu)
{
	struct page *page;
	int list;

	for (list = 0; list < NR_PCP_LISTS; list++) {
		struct run run = { .out = out };

		if (list_empty(&pcp->lists[list]))
			continue;
		probe_print(out, "pcplist cpu=%d list=%d", cpu, list);
		list_for_each_entry(page, &pcp->lists[list], lru)
			run_add(&run, page_to_pfn(page));
		run_end(&run);
		probe_print(out, "\n");
		dump_noted(out, &pcp->lists[list], cpu);
	}
}
#else
static void dump_pcp_lists(struct probe_out *out, struct per_cpu_pages *pcp, int cpu) { }
#endif

static void dump_pcp(struct probe_out *out, struct zone *zone)
{
	int cpu;

	for_each_online_cpu(cpu) {
		struct per_cpu_pages *pcp = per_cpu_ptr(zone->per_cpu_pageset, cpu);

		probe_print(out, "pcp cpu=%d count=%d high=%d batch=%d", cpu, pcp->count, pcp->high, pcp->batch);
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 7, 0)
		probe_print(out, " free_factor=%d", pcp->free_factor);
#else
		probe_print(out, " high_min=%d high_max=%d alloc_factor=%u free_count=%d flags=%u", pcp->high_min,
			    pcp->high_max, pcp->alloc_factor, pcp->free_count, pcp->flags);
#endif
		probe_print(out, "\n");
		dump_pcp_lists(out, pcp, cpu);
	}
}

int probe_dump(u64 *words, size_t capacity, struct probe_out *out)
{
	struct copy copy = { .words = words, .capacity = capacity };
	int nid, index, error;
	struct zone *zone;

	probe_for_each_zone(nid, index, zone) {
		probe_print(out, "zone node=%d name=%s start=%lu spanned=%lu present=%lu managed=%lu", nid, zone->name,
			    zone->zone_start_pfn, zone->spanned_pages, zone->present_pages, zone_managed_pages(zone));
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
		probe_print(out, " below_high=%d", test_bit(ZONE_BELOW_HIGH, &zone->flags));
#endif
		probe_print(out, " min=%lu low=%lu high=%lu boost=%lu highatomic=%lu nr_free_pages=%lu\n",
			    zone->_watermark[WMARK_MIN], zone->_watermark[WMARK_LOW], zone->_watermark[WMARK_HIGH],
			    zone->watermark_boost, zone->nr_reserved_highatomic, zone_page_state(zone, NR_FREE_PAGES));
		error = dump_lists(out, zone, &copy);
		if (error)
			return error;
		dump_pageblocks(out, zone);
		dump_pcp(out, zone);
	}
	return 0;
}
