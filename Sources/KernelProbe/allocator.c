// SPDX-License-Identifier: GPL-2.0
/*
 * No design, but what the allocator itself does: a process of 64 MiB allocates its pages one by one through the per-CPU
 * lists, and frees them at its exit. The allocator takes zone->lock itself, so that no hold is timed here.
 */
#include "probe.h"

#include <linux/gfp.h>

static LIST_HEAD(held);

static int collect(struct probe_session *session)
{
	unsigned long count;

	for (count = 0; count < session->limit; count++) {
		struct page *page = alloc_pages(GFP_HIGHUSER_MOVABLE & ~__GFP_RECLAIM, 0);

		if (!page)
			return 1;
		/* Given back in the order in which they were taken, as the model's process does. */
		list_add_tail(&page->lru, &held);
		if (count % 1024 == 1023) {
			if (fatal_signal_pending(current))
				return -EINTR;
			if (probe_is_short(session))
				return 1;
			cond_resched();
		}
	}
	return 0;
}

static void give_back(struct probe_session *session)
{
	struct page *page, *next;
	unsigned long count = 0;

	list_for_each_entry_safe(page, next, &held, lru) {
		list_del(&page->lru);
		__free_pages(page, 0);
		if (++count % 1024 == 0)
			cond_resched();
	}
#ifndef MODULE
	/* As the model's process ends. Modules don't get it. */
	drain_local_pages(NULL);
#endif
}

const struct probe_design probe_allocator = {
	.name = "allocator", .option = "pages",
	.limit_default = 16384, .limit_min = 1, .limit_max = 1 << 24,
	.collect = collect, .give_back = give_back,
};
