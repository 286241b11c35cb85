/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The designs of hintbench on the kernel's own free lists, under its own zone->lock. One source for the built-in
 * probe of User Mode Linux and for the loadable module. See docs/kernel.md for the commands and what they print.
 */
#ifndef HINTPROBE_H
#define HINTPROBE_H

#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/swap.h>
#include <linux/sched/signal.h>
#include <linux/types.h>
#include <linux/version.h>
#include <linux/vmstat.h>

/* The highest order; its name and meaning changed in 6.4 and 6.8. */
#if defined(MAX_PAGE_ORDER)
#define PROBE_MAX_ORDER MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define PROBE_MAX_ORDER MAX_ORDER
#else
#define PROBE_MAX_ORDER (MAX_ORDER - 1)
#endif

/* Where results go: lines of text, appended. */
struct probe_out {
	void (*write)(struct probe_out *out, const char *text, size_t length);
	/* Set by the first write that fails. */
	bool failed;
};

__printf(2, 3) void probe_print(struct probe_out *out, const char *format, ...);

/* One hold of zone->lock. */
struct probe_hold {
	/* From after acquiring to before releasing, one clock read of the two included. Ticks of the TSC. */
	u32 ticks;
	/* List entries looked at, or blocks taken or given back. */
	u32 items;
};

/* The most holds a session keeps; further ones are counted as dropped. */
#define PROBE_HOLDS (1 << 20)

/* The hints of two words that fit into the largest block that the allocator has. */
#define PROBE_HINTS ((PAGE_SIZE << PROBE_MAX_ORDER) / 16)

/* What a design works with, and what it found. */
struct probe_session {
	/* The lowest order that is looked at. */
	unsigned int order;
	/* Entries, steps or words, as the design's option says. */
	unsigned long limit;
	/* Where hints are written, and how many words fit. */
	u64 *words;
	size_t capacity;
	/* Pages that must stay free while a design takes memory. */
	unsigned long reserve;
	/* NULL in the pass that measures speed. */
	struct probe_hold *log;

	u64 blocks;
	u64 pages;
	unsigned long holds;
	unsigned long holds_dropped;
	/* A sum over the PFNs of the blocks, so that two passes can be told apart. */
	u64 pfn_sum;
	/* The longest hold that is allowed; a longer one ends, and sets too_long, which ends the session. */
	u64 max_hold_ticks;
	bool too_long;

	u64 hold_start;
	/* When the present hold must end; 0 until it has looked at PROBE_LOOK entries. */
	u64 hold_deadline;
	struct zone *hold_zone;
	unsigned long hold_flags;
};

static inline u64 probe_clock(void)
{
	u32 low, high;

	/* The fence keeps the read behind what comes before it; the program order of TSC reads is the CPU's. */
	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return ((u64)high << 32) | low;
}

static __always_inline void probe_lock(struct probe_session *session, struct zone *zone)
{
	session->hold_zone = zone;
	session->hold_deadline = 0;
	spin_lock_irqsave(&zone->lock, session->hold_flags);
	if (session->log)
		session->hold_start = probe_clock();
}

static __always_inline void probe_unlock(struct probe_session *session, u32 items)
{
	u64 ticks = 0;

	if (session->log)
		ticks = probe_clock() - session->hold_start;
	spin_unlock_irqrestore(&session->hold_zone->lock, session->hold_flags);
	if (session->log) {
		if (session->holds < PROBE_HOLDS) {
			session->log[session->holds].ticks = min_t(u64, ticks, U32_MAX);
			session->log[session->holds].items = items;
		} else {
			session->holds_dropped++;
		}
		if (ticks > session->max_hold_ticks)
			session->too_long = true;
	}
	session->holds++;
}

/* How many entries a hold may look at without looking at the clock: a power of two. */
#define PROBE_LOOK 1024

bool probe_look(struct probe_session *session);

/*
 * Whether the hold must end, though its design has more to do. `items`: entries looked at so far, 1 or more. Costs two
 * instructions an entry; the clock is read each PROBE_LOOK entries, the first time to start counting.
 */
static __always_inline bool probe_must_end(struct probe_session *session, u32 items)
{
	return unlikely(!(items & (PROBE_LOOK - 1))) && probe_look(session);
}

/*
 * What a hold found: `blocks` of `pages` pages in all, and the sum of their PFNs. Outside of the lock. Returns -ETIME if
 * the hold was too long, -EINTR if the caller is being killed, else 0 after letting others run.
 */
static inline int probe_found(struct probe_session *session, u64 blocks, u64 pages, u64 pfn_sum)
{
	session->blocks += blocks;
	session->pages += pages;
	session->pfn_sum += pfn_sum;
	if (session->too_long)
		return -ETIME;
	if (fatal_signal_pending(current))
		return -EINTR;
	cond_resched();
	return 0;
}

/* Whether a design that takes memory must stop. */
static inline bool probe_is_short(const struct probe_session *session)
{
	return session->reserve && nr_free_pages() < session->reserve;
}

/* Whether a list's entry is the head of a list of the zone, this one's or another's. */
static __always_inline bool probe_is_head(const struct zone *zone, const struct list_head *entry)
{
	return (unsigned long)entry - (unsigned long)zone->free_area < sizeof(zone->free_area);
}

/* A design: one file each. */
struct probe_design {
	/* The name of hintbench's strategy of the same design, and its option that `limit` stands for; NULL without. */
	const char *name;
	const char *option;
	unsigned long limit_default, limit_min, limit_max;
	bool limit_is_power_of_two;
	/*
	 * Its first session does what later ones don't: it writes into blocks that the host has yet to give memory (it gets
	 * the same ones again, since it gives them back last), or enables what stays enabled.
	 */
	bool warms_up;
	/* Returns 0, 1 if its own cap left blocks out, or a negative errno. */
	int (*collect)(struct probe_session *session);
	/* Gives back what collect() took; NULL if it takes nothing. */
	void (*give_back)(struct probe_session *session);
	/* Undoes what else it left, outside of what is timed; NULL if it leaves nothing. */
	void (*reset)(struct probe_session *session);
};

extern const struct probe_design probe_whole_list;
extern const struct probe_design probe_budgeted_resume;
extern const struct probe_design probe_step_iterator;
extern const struct probe_design probe_walk_callback;
extern const struct probe_design probe_fixed_buffer;
extern const struct probe_design probe_multi_buffer;
extern const struct probe_design probe_alloc_max_order;
extern const struct probe_design probe_pfn_scan;
extern const struct probe_design probe_allocator;
extern const struct probe_design probe_page_reporting;

/*
 * Zones with memory in the order of nodes. for_each_populated_zone() needs functions that modules don't get;
 * NODE_DATA() is exported.
 */
#define probe_for_each_zone(nid, index, zone)                                           \
	for_each_online_node(nid)                                                       \
		for (index = 0; index < MAX_NR_ZONES; index++)                          \
			if ((zone = &NODE_DATA(nid)->node_zones[index]),                \
			    populated_zone(zone))

/* Runs the commands of `text`, one a line, and prints their results. Returns 0, or the first error. */
int probe_run(char *text, struct probe_out *out);

/* Frees what `prepare` and sessions took. */
void probe_release(void);

/*
 * Runs `operations` of the trace `seed`, which holds at most `permille` thousandths of memory, and prints each one's
 * block, and the state at first, after each `every` and at last.
 */
int probe_trace(unsigned long seed, unsigned long operations, unsigned long every, unsigned long permille, u64 *words,
		size_t capacity, struct probe_out *out);

/*
 * Runs as many operations of a trace without printing them, and keeps the blocks that it holds in the end. With 2000
 * thousandths that is about half of memory: it is emptied to a quarter of them.
 */
int probe_churn(unsigned long seed, unsigned long operations, unsigned long permille);

/*
 * Prints zones, watermarks, lists, pageblocks and per-CPU lists; `words`: room for the PFNs of the longest list. Returns
 * 0, or a negative errno.
 */
int probe_dump(u64 *words, size_t capacity, struct probe_out *out);

/* The longest hold, unless another is asked for. Ticks. */
u64 probe_hold_default(void);

#endif
