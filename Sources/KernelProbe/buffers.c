// SPDX-License-Identifier: GPL-2.0
/*
 * Addresses alone, of one order at a time: into 16 pages (v33, June 2018), and into as many blocks of the highest order
 * as the machine's memory may need (v35 and v36, July 2018).
 */
#include "probe.h"

#include <linux/gfp.h>
#include <linux/slab.h>

/* Copies a zone's blocks of `order`. Returns 0, 1 if `limit` words were not enough, or a negative errno. */
static int copy(struct probe_session *session, struct zone *zone, int order, u64 **buffers, size_t per_buffer,
		 size_t limit, size_t *count)
{
	size_t n = *count;
	u64 sum = 0;
	u32 items = 0;
	struct page *page;
	bool fits = true;
	int type, error;

	probe_lock(session, zone);
	for (type = 0; type < MIGRATE_TYPES && fits; type++)
		list_for_each_entry(page, &zone->free_area[order].free_list[type], lru) {
			const unsigned long pfn = page_to_pfn(page);

			if (n == limit) {
				fits = false;
				break;
			}
			buffers[n / per_buffer][n % per_buffer] = (u64)pfn << PAGE_SHIFT;
			n++;
			sum += pfn;
			items++;
			if (probe_must_end(session, items)) {
				fits = false;
				break;
			}
		}
	probe_unlock(session, items);
	*count = n;
	error = probe_found(session, items, (u64)items << order, sum);
	return error ? error : !fits;
}

static int copy_all(struct probe_session *session, u64 **buffers, size_t per_buffer, size_t limit)
{
	int nid, index, order, result = 0;
	struct zone *zone;

	for (order = PROBE_MAX_ORDER; order >= (int)session->order; order--) {
		size_t count = 0;
		int full = 0;

		probe_for_each_zone(nid, index, zone) {
			if (full)
				continue;
			full = copy(session, zone, order, buffers, per_buffer, limit, &count);
			if (full < 0)
				return full;
			result |= full;
		}
	}
	return result;
}

/* A header of 8 bytes, then addresses. */
#define FIXED_BYTES (16 * PAGE_SIZE)
#define FIXED_HINTS ((FIXED_BYTES - 8) / 8)

static int collect_fixed(struct probe_session *session)
{
	/* Power of two, so that the division is a shift. */
	return copy_all(session, &session->words, FIXED_BYTES / 8, FIXED_HINTS);
}

const struct probe_design probe_fixed_buffer = { .name = "free-list-fixed-buffer", .collect = collect_fixed };

#define PER_BUFFER ((PAGE_SIZE << PROBE_MAX_ORDER) / 8)

/* At most 128 GiB of order-0 blocks: 64 buffers, 256 MiB. */
static struct page *held[64];
static unsigned int held_count;

static int collect_multi(struct probe_session *session)
{
	const unsigned long blocks = totalram_pages() >> session->order;
	const unsigned long wanted = max(1UL, DIV_ROUND_UP(blocks, PER_BUFFER));
	u64 *buffers[ARRAY_SIZE(held)];

	if (wanted > ARRAY_SIZE(held))
		return -E2BIG;
	while (held_count < wanted) {
		struct page *page = alloc_pages(GFP_ATOMIC | __GFP_NOMEMALLOC | __GFP_NOWARN, PROBE_MAX_ORDER);

		if (!page)
			return -ENOMEM;
		buffers[held_count] = page_address(page);
		held[held_count++] = page;
	}
	return copy_all(session, buffers, PER_BUFFER, held_count * PER_BUFFER);
}

static void give_back_multi(struct probe_session *session)
{
	while (held_count)
		__free_pages(held[--held_count], PROBE_MAX_ORDER);
}

const struct probe_design probe_multi_buffer = {
	.name = "free-list-multi-buffer", .warms_up = true, .collect = collect_multi, .give_back = give_back_multi,
};
