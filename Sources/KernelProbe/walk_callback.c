// SPDX-License-Identifier: GPL-2.0
/*
 * A call for each block of a list, under the lock: v15 to v32 (2017 and 2018). The callback does nothing but count, so
 * that the walk and the call are what is timed.
 */
#include "probe.h"

struct report {
	u64 pages;
	u64 sum;
};

/* noinline, and called through a pointer, as the driver's was. */
static noinline bool count(void *opaque, unsigned long pfn, unsigned long pages)
{
	struct report *report = opaque;

	report->pages += pages;
	report->sum += pfn;
	return false;
}

static int walk(struct probe_session *session, bool (*callback)(void *, unsigned long, unsigned long))
{
	int nid, index, type, order, error;
	struct zone *zone;
	struct page *page;

	probe_for_each_zone(nid, index, zone)
		for (order = PROBE_MAX_ORDER; order >= (int)session->order; order--)
			for (type = 0; type < MIGRATE_TYPES; type++) {
				struct report report = {};
				u32 items = 0;

				probe_lock(session, zone);
				list_for_each_entry(page, &zone->free_area[order].free_list[type], lru) {
					items++;
					if (callback(&report, page_to_pfn(page), 1UL << order) ||
					    probe_must_end(session, items))
						break;
				}
				probe_unlock(session, items);
				error = probe_found(session, items, report.pages, report.sum);
				if (error)
					return error;
			}
	return 0;
}

/* Read anew in each session, so that the compiler can't know what is called. */
static bool (*volatile callback)(void *, unsigned long, unsigned long) = count;

static int collect(struct probe_session *session)
{
	return walk(session, callback);
}

const struct probe_design probe_walk_callback = { .name = "walk-callback", .collect = collect };
