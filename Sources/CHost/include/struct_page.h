#ifndef HINTBENCH_STRUCT_PAGE_H
#define HINTBENCH_STRUCT_PAGE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The layout of the kernel's allocator data on x86-64, Linux 6.1: include/linux/mm_types.h and
 * include/linux/mmzone.h. Declared in C because only C guarantees where a field lies, and where it lies
 * decides which cache lines an allocation, a free or a walk touches.
 */

/* The kernel's struct list_head. */
struct list_head {
    struct list_head *next, *prev;
} __attribute__((swift_name("ListHead")));

/* struct page, 64 bytes. Only the views that the page allocator uses. */
struct page {
    uint64_t flags;       /* 0: node and zone in the top bits, PG_* below */
    struct list_head lru; /* 8: buddy_list or pcp_list */
    void *mapping;        /* 24 */
    uint64_t index;       /* 32: migratetype while on a pcp list */
    uint64_t private_;    /* 40: order while in the buddy allocator */
    uint32_t page_type;   /* 48: PG_buddy is a *cleared* bit in a 0xf0000000 base */
    int32_t refcount;     /* 52 */
    uint64_t memcg;       /* 56 */
} __attribute__((swift_name("StructPage")));

_Static_assert(sizeof(struct page) == 64, "struct page is one cache line");
_Static_assert(offsetof(struct page, flags) == 0, "flags");
_Static_assert(offsetof(struct page, lru) == 8, "lru");
_Static_assert(offsetof(struct page, private_) == 40, "private");
_Static_assert(offsetof(struct page, page_type) == 48, "page_type");
_Static_assert(offsetof(struct page, refcount) == 52, "_refcount");

/* U M R HIGHATOMIC ISOLATE: a kernel without CONFIG_CMA, as Debian's for amd64. The number decides which line the
   lock falls on. */
#define HB_MIGRATE_TYPES 5
/* MIGRATE_CMA's number, of a guest whose kernel has it: its list heads lie behind all else in struct zone, at the free
   areas' stride, so that a list is found as any other's, without a branch, and the other guests' lines stay as they are. */
#define HB_MIGRATE_CMA 72
#define HB_NR_ORDERS 11
#define HB_PCP_TYPES 3
#define HB_NR_PCP_LISTS 14 /* 3 migratetypes x orders 0..3, + 2 for order 9 */

struct free_area {
    struct list_head free_list[HB_MIGRATE_TYPES];
    uint64_t nr_free; /* blocks, all migratetypes */
} __attribute__((swift_name("FreeArea")));

/* struct per_cpu_pages of 6.12, and what 6.1 has instead: one a zone and CPU. */
struct per_cpu_pages {
    uint32_t lock; /* spinlock_t, always taken by trylock */
    int32_t count; /* pages on all lists */
    int32_t high;  /* pages; above it a free drains */
    int32_t high_min; /* 6.7 and later: the range of high */
    int32_t high_max;
    int32_t batch; /* pages per refill or drain */
    uint8_t flags; /* HB_PCPF_* */
    uint8_t alloc_factor; /* refills are batch << this */
    uint8_t expire;
    uint8_t padding;
    int16_t free_count;  /* pages freed in a row */
    int16_t free_factor; /* before 6.7: drains are batch << this */
    struct list_head lists[HB_NR_PCP_LISTS]; /* 6.1 has them 8 bytes earlier */
} __attribute__((swift_name("PerCPUPages")));

_Static_assert(sizeof(struct per_cpu_pages) % 64 == 0, "a per_cpu_pages shares no cache line with the next");

enum {
    HB_PCPF_PREV_FREE_HIGH_ORDER = 1, /* the last free was of order 1 to 3 */
    HB_PCPF_FREE_HIGH_BATCH = 2,      /* a CPU's share of the cache is so large that a batch of those may stay */
};

/*
 * struct zone. What is read by every allocation comes first, then on a line of its own free_area[], flags and,
 * right behind the highest order's counter, the lock: that neighbourhood is the kernel's, and so is its false sharing.
 */
struct zone {
    uint64_t watermark[3]; /* pages: min, low, high */
    uint64_t watermark_boost;
    uint64_t nr_reserved_highatomic;
    int64_t lowmem_reserve[6]; /* pages, by the zone type the allocation prefers */
    int32_t node;              /* index among the modelled nodes */
    int32_t zone_type;         /* DMA 0, DMA32 1, Normal 2, HighMem 3, Movable 4, Device 5 */
    struct per_cpu_pages *pcp; /* one a modelled CPU */
    uint64_t start_pfn;
    uint64_t spanned_pages;
    uint64_t managed_pages;
    int32_t index;       /* in the guest's zone table */
    int32_t initialized; /* has watermarks */
    uint64_t nr_isolate_pageblock;
    uint64_t nr_free_highatomic; /* 6.12: pages on HIGHATOMIC's lists */

    uint64_t padding1[5]; /* CACHELINE_PADDING(_pad1_) */
    struct free_area free_area[HB_NR_ORDERS];
    uint64_t zone_flags;
    uint32_t lock; /* qspinlock word, or the test-and-set word */

    uint64_t padding2[5];   /* CACHELINE_PADDING(_pad2_) */
    uint64_t nr_free_pages; /* vm_stat[NR_FREE_PAGES], without the per-cpu part */
    uint64_t bad_pages;     /* blocks that failed the checks at free and leaked */
    uint64_t nr_free_cma;   /* vm_stat[NR_FREE_CMA_PAGES] */
    uint64_t padding3[357]; /* CMA's list heads */
} __attribute__((swift_name("StructZone")));

_Static_assert(sizeof(struct zone) == 4096, "zones lie a host page apart");
_Static_assert(offsetof(struct zone, free_area) % 64 == 0, "free_area begins a cache line");
_Static_assert(offsetof(struct zone, nr_free_pages) % 64 == 0, "the counters begin a cache line");

_Static_assert(offsetof(struct zone, lock) / 64 == offsetof(struct zone, free_area[HB_NR_ORDERS - 1].nr_free) / 64,
               "the lock shares the line of free_area[10].nr_free");

_Static_assert(offsetof(struct zone, free_area) + HB_MIGRATE_CMA * sizeof(struct list_head) >= offsetof(struct zone, padding3),
               "CMA's first list lies behind what is in use");
_Static_assert(offsetof(struct zone, free_area[HB_NR_ORDERS - 1]) + (HB_MIGRATE_CMA + 1) * sizeof(struct list_head) <=
                   sizeof(struct zone),
               "so does its last one, in the zone");

/* Offsets as compile-time constants: Swift's MemoryLayout.offset(of:) is worked out at run time. */
enum {
    HB_ZONE_FREE_AREA = offsetof(struct zone, free_area),
    HB_ZONE_WATERMARK = offsetof(struct zone, watermark),
    HB_ZONE_WATERMARK_BOOST = offsetof(struct zone, watermark_boost),
    HB_ZONE_NR_RESERVED_HIGHATOMIC = offsetof(struct zone, nr_reserved_highatomic),
    HB_ZONE_MANAGED_PAGES = offsetof(struct zone, managed_pages),
    HB_ZONE_LOWMEM_RESERVE = offsetof(struct zone, lowmem_reserve),
    HB_ZONE_NR_ISOLATE_PAGEBLOCK = offsetof(struct zone, nr_isolate_pageblock),
    HB_ZONE_NR_FREE_HIGHATOMIC = offsetof(struct zone, nr_free_highatomic),
    HB_ZONE_FLAGS = offsetof(struct zone, zone_flags),
    HB_ZONE_LOCK = offsetof(struct zone, lock),
    HB_ZONE_NR_FREE_PAGES = offsetof(struct zone, nr_free_pages),
    HB_ZONE_NR_FREE_CMA = offsetof(struct zone, nr_free_cma),
    HB_PAGE_PRIVATE = offsetof(struct page, private_),
    HB_PAGE_TYPE = offsetof(struct page, page_type),
    HB_PAGE_MAPPING = offsetof(struct page, mapping),
    HB_PAGE_REFCOUNT = offsetof(struct page, refcount),
    HB_PCP_COUNT = offsetof(struct per_cpu_pages, count),
    HB_PCP_HIGH = offsetof(struct per_cpu_pages, high),
    HB_PCP_FLAGS = offsetof(struct per_cpu_pages, flags),
    HB_PCP_ALLOC_FACTOR = offsetof(struct per_cpu_pages, alloc_factor),
    HB_PCP_FREE_COUNT = offsetof(struct per_cpu_pages, free_count),
    HB_PCP_FREE_FACTOR = offsetof(struct per_cpu_pages, free_factor),
    HB_PCP_LISTS = offsetof(struct per_cpu_pages, lists),
};

/* One queue node a CPU, on a line of its own (kernel/locking/mcs_spinlock.h; there four a CPU, for nesting). */
struct mcs_node {
    uint64_t next; /* address of the next node */
    uint32_t locked;
    uint32_t padding[13];
} __attribute__((swift_name("MCSNode")));

_Static_assert(sizeof(struct mcs_node) == 64, "one line a node");

#endif
