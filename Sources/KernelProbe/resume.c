// SPDX-License-Identifier: GPL-2.0
/*
 * A few entries a hold, and the block to continue from: both answers of the v8 thread (2017). The block is trusted if it
 * is still Buddy and of its order; else, and if it is on another list by now, the list is begun again, at most 64 times.
 */
#include "probe.h"

#define RESTARTS 64

static int walk_list(struct probe_session *session, struct zone *zone, int order, struct list_head *list, size_t *used)
{
	const u64 length = PAGE_SIZE << order;
	struct page *resume = NULL;
	int restarts = 0, error;

	/* An empty list isn't worth a lock. */
	while (resume || !list_empty(list)) {
		struct list_head *position;
		unsigned long left = session->limit;
		u64 *words;
		u64 sum = 0;
		u32 items = 0;

		if (*used + 2 * session->limit > session->capacity)
			*used = 0;
		words = session->words + *used;
		probe_lock(session, zone);
		if (resume && !(PageBuddy(resume) && page_private(resume) == order && page_zone(resume) == zone)) {
			probe_unlock(session, 1);
			resume = NULL;
			if (++restarts > RESTARTS)
				return 1;
			continue;
		}
		position = resume ? &resume->lru : list->next;
		resume = NULL;
		/* The block may be on another type's list by now. */
		for (; !probe_is_head(zone, position); position = position->next) {
			struct page *page = list_entry(position, struct page, lru);
			const unsigned long pfn = page_to_pfn(page);

			if (left == 0) {
				resume = page;
				break;
			}
			*words++ = (u64)pfn << PAGE_SHIFT;
			*words++ = length;
			sum += pfn;
			items++;
			left--;
			if (probe_must_end(session, items))
				break;
		}
		probe_unlock(session, items);
		*used = words - session->words;
		error = probe_found(session, items, (u64)items << order, sum);
		if (error)
			return error;
		if (!resume && position == list)
			return 0;
		if (!resume && ++restarts > RESTARTS)
			return 1;
	}
	return 0;
}

static int collect(struct probe_session *session)
{
	int nid, index, type, order, result, all = 0;
	struct zone *zone;
	size_t used = 0;

	probe_for_each_zone(nid, index, zone)
		for (order = PROBE_MAX_ORDER; order >= (int)session->order; order--)
			for (type = 0; type < MIGRATE_TYPES; type++) {
				result = walk_list(session, zone, order, &zone->free_area[order].free_list[type], &used);
				if (result < 0)
					return result;
				all |= result;
			}
	return all;
}

const struct probe_design probe_budgeted_resume = {
	.name = "budgeted-resume", .option = "budget",
	.limit_default = 1000, .limit_min = 1, .limit_max = PROBE_HINTS,
	.collect = collect,
};

const struct probe_design probe_step_iterator = {
	.name = "step-iterator", .option = "step",
	.limit_default = 1, .limit_min = 1, .limit_max = 4096,
	.collect = collect,
};
