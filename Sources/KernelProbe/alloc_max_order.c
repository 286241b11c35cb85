// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks of the highest order, allocated until that fails and given back at the end: merged in 4.20. The allocator takes
 * zone->lock itself, so that no hold is timed here; `blocks`, `pages` and the session's time are what counts.
 */
#include "probe.h"

#include <linux/gfp.h>

#define FLAGS (__GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC)

static LIST_HEAD(held);

static int collect(struct probe_session *session)
{
	struct page *page;

	while ((page = alloc_pages(FLAGS, PROBE_MAX_ORDER))) {
		list_add(&page->lru, &held);
		session->blocks++;
		session->pages += 1UL << PROBE_MAX_ORDER;
		session->pfn_sum += page_to_pfn(page);
		if (session->blocks % 64 == 0) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
		if (probe_is_short(session))
			return 1;
	}
	return 0;
}

static void give_back(struct probe_session *session)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &held, lru) {
		list_del(&page->lru);
		__free_pages(page, PROBE_MAX_ORDER);
		cond_resched();
	}
}

const struct probe_design probe_alloc_max_order = {
	.name = "alloc-max-order", .collect = collect, .give_back = give_back,
};
