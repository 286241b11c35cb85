#include "baseline.h"
#include "struct_page.h"

/* Nobody else is there: as fast as the strategies' own. */
static void lock_zone(struct zone *zone) {
    uint32_t expected = 0;
    while (!__atomic_compare_exchange_n(&zone->lock, &expected, 1u, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) expected = 0;
}

static void unlock_zone(struct zone *zone) { __atomic_store_n((uint8_t *)&zone->lock, 0, __ATOMIC_RELEASE); }

size_t baseline_copy_zone(struct zone *zone, unsigned order, uint64_t vmemmap, unsigned shift, size_t limit,
                          uint64_t *out, size_t count) {
    size_t n = count;
    lock_zone(zone);
    for (int type = 0; type < HB_MIGRATE_TYPES; type++) {
        const struct list_head *head = &zone->free_area[order].free_list[type];
        for (const struct list_head *entry = head->next; entry != head; entry = entry->next) {
            if (n == limit) goto full;
            uint64_t page = (uint64_t)entry - offsetof(struct page, lru);
            out[n++] = (page - vmemmap) << shift;
        }
    }
full:
    unlock_zone(zone);
    return n;
}

size_t baseline_copy_zone_sized(struct zone *zone, unsigned order, uint64_t vmemmap, unsigned shift, size_t limit,
                                uint64_t *out, size_t count) {
    size_t n = count;
    uint64_t length = (UINT64_C(1) << order) << 12;
    lock_zone(zone);
    /* Blocks compared with words, as posted. */
    if (n + zone->free_area[order].nr_free > limit) goto full;
    for (int type = 0; type < HB_MIGRATE_TYPES; type++) {
        const struct list_head *head = &zone->free_area[order].free_list[type];
        for (const struct list_head *entry = head->next; entry != head; entry = entry->next) {
            if (n + 2 > limit) goto full;
            uint64_t page = (uint64_t)entry - offsetof(struct page, lru);
            out[n] = (page - vmemmap) << shift;
            out[n + 1] = length;
            n += 2;
        }
    }
full:
    unlock_zone(zone);
    return n;
}

void baseline_set_pcp_busy(struct zone *zone, int cpu, int busy) {
    __atomic_store_n(&zone->pcp[cpu].lock, busy ? 1u : 0u, __ATOMIC_SEQ_CST);
}
