// SPDX-License-Identifier: GPL-2.0
/*
 * Each zone's whole list of one order, all migratetypes, under one hold: v8 (March 2017), with a buffer that all fit in
 * or is emptied between zones.
 */
#include "probe.h"

static int collect(struct probe_session *session)
{
	int nid, index, type, order, error;
	struct zone *zone;
	struct page *page;

	for (order = PROBE_MAX_ORDER; order >= (int)session->order; order--)
		probe_for_each_zone(nid, index, zone) {
			const u64 length = PAGE_SIZE << order;
			u64 *words = session->words;
			u64 *const end = words + session->capacity - 1;
			u64 sum = 0;
			u32 items = 0;

			probe_lock(session, zone);
			for (type = 0; type < MIGRATE_TYPES; type++)
				list_for_each_entry(page, &zone->free_area[order].free_list[type], lru) {
					const unsigned long pfn = page_to_pfn(page);

					/* More than fit begin at the front again, as if the buffer had been sent. */
					if (words >= end)
						words = session->words;
					*words++ = (u64)pfn << PAGE_SHIFT;
					*words++ = length;
					sum += pfn;
					items++;
					if (probe_must_end(session, items))
						goto unlock;
				}
unlock:
			probe_unlock(session, items);
			error = probe_found(session, items, (u64)items << order, sum);
			if (error)
				return error;
		}
	return 0;
}

const struct probe_design probe_whole_list = { .name = "record-unused-pages", .collect = collect };
