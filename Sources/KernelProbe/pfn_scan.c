// SPDX-License-Identifier: GPL-2.0
/*
 * Heads of free blocks in the order of PFNs, `chunk` pages a hold: what a scan of the memory map costs that follows no
 * list.
 */
#include "probe.h"

static int collect(struct probe_session *session)
{
	int nid, index, error;
	struct zone *zone;
	size_t used = 0;

	probe_for_each_zone(nid, index, zone) {
		const unsigned long end = zone_end_pfn(zone);
		unsigned long pfn = zone->zone_start_pfn;

		while (pfn < end) {
			const unsigned long stop = min(end, (pfn | (session->limit - 1)) + 1);
			u64 sum = 0, pages = 0;
			u32 items = 0, found = 0;

			if (used + 2 * session->limit > session->capacity)
				used = 0;
			probe_lock(session, zone);
			while (pfn < stop) {
				struct page *page = pfn_valid(pfn) ? pfn_to_page(pfn) : NULL;
				unsigned int order = 0;

				if (probe_must_end(session, ++items))
					break;
				if (page && PageBuddy(page) && page_zone(page) == zone) {
					order = page_private(page);
					if (order >= session->order) {
						session->words[used++] = (u64)pfn << PAGE_SHIFT;
						session->words[used++] = PAGE_SIZE << order;
						sum += pfn;
						pages += 1UL << order;
						found++;
					}
					pfn += 1UL << order;
				} else {
					/* A free block of that order begins at no other place. */
					pfn = (pfn | ((1UL << session->order) - 1)) + 1;
				}
			}
			probe_unlock(session, items);
			error = probe_found(session, found, pages, sum);
			if (error)
				return error;
		}
	}
	return 0;
}

const struct probe_design probe_pfn_scan = {
	.name = "pfn-scan", .option = "chunk",
	.limit_default = 1 << 15, .limit_min = 1024, .limit_max = PROBE_HINTS, .limit_is_power_of_two = true,
	.collect = collect,
};
