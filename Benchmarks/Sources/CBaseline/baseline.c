#include "baseline.h"
#include "struct_page.h"

size_t baseline_walk_list_sized(const struct list_head *head, uint64_t vmemmap, unsigned shift, uint64_t length,
                                uint64_t *out) {
    size_t n = 0;
    for (const struct list_head *entry = head->next; entry != head; entry = entry->next) {
        uint64_t page = (uint64_t)entry - offsetof(struct page, lru);
        out[n] = (page - vmemmap) << shift;
        out[n + 1] = length;
        n += 2;
    }
    return n;
}

void baseline_set_pcp_busy(struct zone *zone, int cpu, int busy) {
    __atomic_store_n(&zone->pcp[cpu].lock, busy ? 1u : 0u, __ATOMIC_SEQ_CST);
}
