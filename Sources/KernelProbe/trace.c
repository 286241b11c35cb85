// SPDX-License-Identifier: GPL-2.0
/*
 * A seeded sequence of operations on the allocator, which the model executes, too, from the same state: both must hand
 * out the same blocks and end with the same lists. Interrupts are off throughout, so that nothing else allocates or
 * frees; no request may reclaim.
 *
 * What is drawn, and in which order, is the same in Sources/LinuxGuest/Kernel/KernelTrace.swift.
 */
#include "probe.h"
#include "internal.h"

#include <linux/gfp.h>
#include <linux/irqflags.h>
#include <linux/page-isolation.h>
#include <linux/vmalloc.h>

#define BLOCKS (1 << 18)

struct block {
	struct page *page;
	unsigned int order;
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static u64 draw(u64 *state)
{
	u64 word = *state += 0x9e3779b97f4a7c15ULL;

	word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9ULL;
	word = (word ^ (word >> 27)) * 0x94d049bb133111ebULL;
	return word ^ (word >> 31);
}

/* Of 16: half of order 0, the others less and less. */
static const u8 orders[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 4, 5, 7, 10 };

/*
 * Without __GFP_NOMEMALLOC a request that may not reclaim could use reserves: only the last two may. No
 * __GFP_KSWAPD_RECLAIM, since kswapd would run afterwards.
 */
static gfp_t flags_of(unsigned int kind)
{
	switch (kind) {
	case 0:
	case 1:
	case 2:
		return __GFP_MOVABLE | __GFP_HIGHMEM | __GFP_NOMEMALLOC | __GFP_NOWARN;
	case 3:
	case 4:
		return __GFP_NOMEMALLOC | __GFP_NOWARN;
	case 5:
		return __GFP_RECLAIMABLE | __GFP_NOMEMALLOC | __GFP_NOWARN;
	case 6:
		return __GFP_HIGH | __GFP_NOMEMALLOC | __GFP_NOWARN;
	default:
#ifdef __GFP_ATOMIC
		return __GFP_HIGH | __GFP_ATOMIC | __GFP_NOWARN;
#else
		return __GFP_HIGH | __GFP_NOWARN;
#endif
	}
}

/*
 * What reporting does with a batch: takes up to eight blocks off the head of a list in one hold, and gives them back in
 * another.
 */
static void report(u64 random, struct probe_out *out)
{
	const int order = PROBE_MAX_ORDER - (random >> 34) % 3;
	const int type = (random >> 40) % MIGRATE_PCPTYPES;
	struct page *pages[8];
	struct zone *zone = NULL;
	int count = 0, i, nid, index;

	/* Of the first zone alone: a trace is of one. */
	probe_for_each_zone(nid, index, zone) {
		struct list_head *list = &zone->free_area[order].free_list[type];

		spin_lock(&zone->lock);
		while (count < ARRAY_SIZE(pages) && !list_empty(list)) {
			struct page *page = list_first_entry(list, struct page, lru);

			if (!__isolate_free_page(page, order))
				break;
			pages[count++] = page;
		}
		spin_unlock(&zone->lock);
		spin_lock(&zone->lock);
		for (i = 0; i < count; i++)
			__putback_isolated_page(pages[i], order, get_pageblock_migratetype(pages[i]));
		spin_unlock(&zone->lock);
		break;
	}
	probe_print(out, "r %d\n", count);
}

static bool is_isolated(unsigned long pfn)
{
	return get_pageblock_migratetype(pfn_to_page(pfn)) == MIGRATE_ISOLATE;
}

static int isolate(unsigned long pfn)
{
	const unsigned long end = pfn + pageblock_nr_pages;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	return start_isolate_page_range(pfn, end, PB_ISOLATE_MODE_OTHER);
#else
	return start_isolate_page_range(pfn, end, MIGRATE_MOVABLE, 0, GFP_KERNEL);
#endif
}

static void unisolate(unsigned long pfn)
{
	const unsigned long end = pfn + pageblock_nr_pages;

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
	undo_isolate_page_range(pfn, end);
#else
	undo_isolate_page_range(pfn, end, MIGRATE_MOVABLE);
#endif
}

/* The first zone's pageblocks that are wholly in it: the first one's PFN, and how many there are. */
static unsigned long pageblocks(unsigned long *first)
{
	struct zone *zone;
	int nid, index;

	probe_for_each_zone(nid, index, zone) {
		*first = ALIGN(zone->zone_start_pfn, pageblock_nr_pages);
		return (ALIGN_DOWN(zone_end_pfn(zone), pageblock_nr_pages) - *first) / pageblock_nr_pages;
	}
	return 0;
}

/*
 * Isolates a pageblock, as offlining and contiguous allocation begin, or gives it back. Nothing is migrated, so that
 * only one without a page in use can be isolated.
 */
static void isolate_or_back(u64 random, struct probe_out *out)
{
	unsigned long first, pfn;

	pfn = pageblocks(&first);
	pfn = first + (random >> 34) % pfn * pageblock_nr_pages;
	if (is_isolated(pfn)) {
		unisolate(pfn);
		probe_print(out, "u %lu\n", pfn);
	} else {
		probe_print(out, "i %lu %d\n", pfn, !isolate(pfn));
	}
}

struct trace {
	struct block *blocks;
	unsigned long count;
	/* Pages of all blocks, and how many there should be now and at most. */
	u64 pages, most;
};

static void step(struct trace *trace, unsigned long number, u64 random, struct probe_out *out)
{
	/* Filled and emptied in turns of 4096 operations. */
	const u64 wanted = (number / 4096) % 2 ? trace->most / 4 : trace->most;
	const unsigned int choice = random & 0xff;
	const bool fills = trace->pages < wanted;

	if ((random >> 24 & 0x3ff) == 0) {
		drain_local_pages(NULL);
		probe_print(out, "d\n");
	} else if ((random >> 24 & 0x1ff) == 1) {
		report(random, out);
	} else if ((random >> 24 & 0xff) == 2) {
		isolate_or_back(random, out);
	} else if (trace->count < BLOCKS && (trace->count == 0 || choice < (fills ? 176 : 80))) {
		struct block *block = &trace->blocks[trace->count];

		block->order = orders[random >> 8 & 15];
		block->page = alloc_pages(flags_of(random >> 16 & 7), block->order);
		if (block->page) {
			trace->count++;
			trace->pages += 1UL << block->order;
			probe_print(out, "a %lu\n", page_to_pfn(block->page));
		} else {
			probe_print(out, "a -\n");
		}
	} else {
		struct block *block = &trace->blocks[(random >> 34) % trace->count];

		probe_print(out, "f %lu\n", page_to_pfn(block->page));
		trace->pages -= 1UL << block->order;
		__free_pages(block->page, block->order);
		*block = trace->blocks[--trace->count];
	}
}

static void unisolate_all(void)
{
	unsigned long first, count;

	for (count = pageblocks(&first); count--; first += pageblock_nr_pages)
		if (is_isolated(first))
			unisolate(first);
}

static void discard(struct probe_out *out, const char *text, size_t length)
{
}

int probe_churn(unsigned long seed, unsigned long operations, unsigned long permille)
{
	struct probe_out silent = { .write = discard };
	struct trace trace = {
		.blocks = vzalloc(array_size(BLOCKS, sizeof(struct block))),
		.most = (u64)totalram_pages() * permille / 1000,
	};
	u64 state = seed;
	unsigned long number, flags;

	if (!trace.blocks)
		return -ENOMEM;
	local_irq_save(flags);
	for (number = 0; number < operations; number++)
		step(&trace, number, draw(&state), &silent);
	unisolate_all();
	drain_local_pages(NULL);
	local_irq_restore(flags);
	/* Its blocks are kept in use: they are what the lists of a machine at work lack. */
	vfree(trace.blocks);
	return 0;
}

int probe_trace(unsigned long seed, unsigned long operations, unsigned long every, unsigned long permille, u64 *words,
		size_t capacity, struct probe_out *out)
{
	struct trace trace = {
		.blocks = vzalloc(array_size(BLOCKS, sizeof(struct block))),
		.most = (u64)totalram_pages() * permille / 1000,
	};
	u64 state = seed;
	unsigned long number, flags;
	int error;

	if (!trace.blocks)
		return -ENOMEM;
	local_irq_save(flags);
	probe_print(out, "trace seed=%lu operations=%lu every=%lu most=%llu\n", seed, operations, every, trace.most);
	error = probe_dump(words, capacity, out);
	for (number = 0; number < operations && !error; number++) {
		step(&trace, number, draw(&state), out);
		if ((number + 1) % every == 0 || number + 1 == operations) {
			probe_print(out, "checkpoint %lu\n", number + 1);
			error = probe_dump(words, capacity, out);
		}
	}
	unisolate_all();
	while (trace.count) {
		struct block *block = &trace.blocks[--trace.count];

		__free_pages(block->page, block->order);
	}
	local_irq_restore(flags);
	vfree(trace.blocks);
	return error;
}
