// SPDX-License-Identifier: GPL-2.0
/* The commands: what is asked for, run and printed. */
#include "probe.h"

#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

static const struct probe_design *const designs[] = {
	&probe_whole_list, &probe_budgeted_resume, &probe_step_iterator, &probe_walk_callback,
	&probe_fixed_buffer, &probe_multi_buffer, &probe_alloc_max_order, &probe_pfn_scan, &probe_allocator, &probe_page_reporting,
};

/* Room for the hints of 262,144 blocks, the largest that kmalloc() gives. */
#define WORDS_BYTES (PAGE_SIZE << PROBE_MAX_ORDER)
/* The longest hold, unless another is asked for, and the longest that may be. */
#define HOLD_US_DEFAULT 10000
#define HOLD_US_MAX 1000000
/* What designs that take memory leave free, unless told otherwise: a sixteenth, where others run. */
#ifdef MODULE
#define RESERVE_MIB ((totalram_pages() >> (20 - PAGE_SHIFT)) / 16)
#else
#define RESERVE_MIB 0
#endif
/* The most memory that emptying the caches reads. */
#define EVICT_MAX (1UL << 30)

void probe_print(struct probe_out *out, const char *format, ...)
{
	char line[256];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vscnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	out->write(out, line, length);
}

/* What all sessions share. Allocated before the first and kept, so that none of them changes the lists by it. */
struct workspace {
	struct page *words;
	struct probe_hold *log;
	u64 *evict;
	size_t evict_bytes;
};

static struct workspace space;

void probe_release(void)
{
	if (space.words)
		__free_pages(space.words, PROBE_MAX_ORDER);
	vfree(space.log);
	vfree(space.evict);
	memset(&space, 0, sizeof(space));
}

static u64 ticks_per_ms(void);

u64 probe_hold_default(void)
{
	static u64 ticks;

	if (!ticks)
		ticks = div_u64(ticks_per_ms() * HOLD_US_DEFAULT, USEC_PER_MSEC);
	return ticks;
}

bool probe_look(struct probe_session *session)
{
	const u64 now = probe_clock();

	if (!session->hold_deadline)
		session->hold_deadline = now + session->max_hold_ticks;
	else if (now > session->hold_deadline)
		session->too_long = true;
	return session->too_long;
}

/* Ticks of probe_clock() in a millisecond, held against the kernel's clock; 0 if that one stands still. */
static u64 ticks_per_ms(void)
{
	const u64 start = ktime_get_ns(), ticks = probe_clock();
	unsigned long turns;

	for (turns = 0; turns < 100000000; turns++) {
		const u64 passed = ktime_get_ns() - start;

		if (passed >= NSEC_PER_MSEC)
			return div64_u64((probe_clock() - ticks) * NSEC_PER_MSEC, passed);
		cpu_relax();
	}
	return 0;
}

/* Reads more than the caches hold, as the model's evictor does: written lines would have to be written back. */
static void evict(void)
{
	volatile u64 *words = space.evict;
	size_t i;

	for (i = 0; i < space.evict_bytes / 8; i += 8) {
		(void)words[i];
		if (i % (1 << 20) == 0)
			cond_resched();
	}
}

/* The value of `name=` in `arguments`, as text that ends at a blank; NULL without. */
static const char *value_of(const char *arguments, const char *name, char *buffer, size_t size)
{
	const size_t length = strlen(name);
	const char *at = arguments;

	while ((at = strstr(at, name))) {
		if ((at == arguments || at[-1] == ' ') && at[length] == '=') {
			const char *from = at + length + 1;

			strscpy(buffer, from, min(size, strcspn(from, " ") + 1));
			return buffer;
		}
		at += length;
	}
	return NULL;
}

/* The number that `name=` stands for, within the range; `fallback` without. Returns 0 or -EINVAL. */
static int number_of(const char *arguments, const char *name, unsigned long fallback, unsigned long low,
		     unsigned long high, unsigned long *number)
{
	char text[32];

	*number = fallback;
	if (!value_of(arguments, name, text, sizeof(text)))
		return 0;
	if (kstrtoul(text, 0, number) || *number < low || *number > high)
		return -EINVAL;
	return 0;
}

/* Makes what sessions need, `cache=cold` of them memory to empty the caches with, unless it is there. */
static int prepare(const char *arguments, bool *cold)
{
	char cache[8] = "warm";
	unsigned long evict_bytes, missing;

	value_of(arguments, "cache", cache, sizeof(cache));
	*cold = !strcmp(cache, "cold");
	if (!*cold && strcmp(cache, "warm"))
		return -EINVAL;
	if (number_of(arguments, "evict-bytes", 64 << 20, 1 << 20, EVICT_MAX, &evict_bytes))
		return -EINVAL;
	if (!*cold)
		evict_bytes = 0;
	missing = (space.words ? 0 : WORDS_BYTES) + (space.log ? 0 : PROBE_HOLDS * sizeof(*space.log)) +
		  (space.evict_bytes == evict_bytes ? 0 : evict_bytes);
	/* Where others run, nobody is to be killed for it. */
	if (RESERVE_MIB && si_mem_available() < 2 * (long)(missing >> PAGE_SHIFT))
		return -ENOMEM;

	if (!space.words) {
		/* Written once, so that the first session doesn't pay for memory that the host has yet to provide. */
		space.words = alloc_pages(GFP_KERNEL | __GFP_RETRY_MAYFAIL | __GFP_NOWARN, PROBE_MAX_ORDER);
		if (space.words)
			memset(page_address(space.words), 0xff, WORDS_BYTES);
	}
	if (!space.log)
		space.log = vzalloc(array_size(PROBE_HOLDS, sizeof(*space.log)));
	if (space.evict_bytes != evict_bytes) {
		vfree(space.evict);
		/* Written once: else all of it is one page of the host's. */
		space.evict = evict_bytes ? vmalloc(evict_bytes) : NULL;
		if (space.evict)
			memset(space.evict, 1, evict_bytes);
		space.evict_bytes = space.evict ? evict_bytes : 0;
	}
	return space.words && space.log && space.evict_bytes == evict_bytes ? 0 : -ENOMEM;
}

/* Whether `arguments` has only words that begin with one of these names, or with `option`, and `=`. */
static bool only(const char *arguments, const char *const *names, size_t count, const char *option)
{
	while (*(arguments = skip_spaces(arguments))) {
		const size_t length = strcspn(arguments, "= ");
		bool known = option && strlen(option) == length && !strncmp(arguments, option, length);
		size_t i;

		for (i = 0; i < count; i++)
			known |= strlen(names[i]) == length && !strncmp(arguments, names[i], length);
		if (!known || arguments[length] != '=')
			return false;
		arguments += strcspn(arguments, " ");
	}
	return true;
}

static const char *const prepare_names[] = { "cache", "evict-bytes" };
static const char *const scan_names[] = {
	"design", "order", "passes", "cache", "evict-bytes", "max-hold-us", "reserve-mib",
};

static const struct probe_design *design_of(const char *arguments)
{
	char name[64];
	size_t i;

	if (!value_of(arguments, "design", name, sizeof(name)))
		return NULL;
	for (i = 0; i < ARRAY_SIZE(designs); i++)
		if (!strcmp(designs[i]->name, name))
			return designs[i];
	return NULL;
}

struct times {
	u64 start, collected, returned;
};

/* A session from collecting to the state it found. Returns what collect() does. */
static int run_session(const struct probe_design *design, struct probe_session *session, struct times *times)
{
	int result;

	times->start = probe_clock();
	result = design->collect(session);
	times->collected = probe_clock();
	if (design->give_back)
		design->give_back(session);
	times->returned = probe_clock();
	if (design->reset)
		design->reset(session);
	return result;
}

static int pass(const struct probe_design *design, struct probe_session *session, struct probe_out *out,
		unsigned long number, bool cold)
{
	struct times times;
	unsigned long i;
	int error, result;

	if (cold)
		evict();
	result = run_session(design, session, &times);
	error = min(result, 0);
	probe_print(out, "session design=%s option=%s limit=%lu order=%u pass=%lu probed=%d cache=%s outcome=%s",
		    design->name, design->option ?: "", session->limit, session->order, number, !!session->log,
		    cold ? "cold" : "warm", error ? "error" : result ? "limit" : "complete");
	probe_print(out, " blocks=%llu pages=%llu pfn_sum=%llu holds=%lu dropped=%lu ticks=%llu return_ticks=%llu\n",
		    session->blocks, session->pages, session->pfn_sum, session->holds, session->holds_dropped,
		    times.collected - times.start, times.returned - times.collected);
	if (session->log)
		for (i = 0; i < session->holds - session->holds_dropped; i++)
			probe_print(out, "hold ticks=%u items=%u\n", session->log[i].ticks, session->log[i].items);
	return error;
}

static int scan(const char *arguments, struct probe_out *out)
{
	const struct probe_design *design = design_of(arguments);
	unsigned long order, passes, limit = 0, hold_us, number, reserve_mib;
	const u64 ticks = ticks_per_ms();
	struct probe_session begin;
	bool cold;
	int error;

	if (!design || !only(arguments, scan_names, ARRAY_SIZE(scan_names), design->option) ||
	    number_of(arguments, "reserve-mib", RESERVE_MIB, 0, ULONG_MAX >> 20, &reserve_mib) ||
	    number_of(arguments, "order", PROBE_MAX_ORDER, 0, PROBE_MAX_ORDER, &order) ||
	    number_of(arguments, "passes", 1, 1, 1000, &passes) ||
	    number_of(arguments, "max-hold-us", HOLD_US_DEFAULT, 1, HOLD_US_MAX, &hold_us))
		return -EINVAL;
	if (!ticks)
		return -EIO;
	if (design->option && number_of(arguments, design->option, design->limit_default, design->limit_min,
					design->limit_max, &limit))
		return -EINVAL;
	if (design->limit_is_power_of_two && limit & (limit - 1))
		return -EINVAL;
	error = prepare(arguments, &cold);
	if (error)
		return error;
	begin = (struct probe_session){
		.order = order,
		.limit = limit,
		.reserve = reserve_mib << (20 - PAGE_SHIFT),
		.words = page_address(space.words),
		.capacity = WORDS_BYTES / 8,
		.max_hold_ticks = div_u64(ticks * hold_us, USEC_PER_MSEC),
	};
	if (design->warms_up) {
		struct probe_session session = begin;
		struct times times;

		error = run_session(design, &session, &times);
		if (error < 0)
			return error;
	}
	for (number = 1; number <= passes; number++) {
		int probed;

		for (probed = 0; probed < 2; probed++) {
			struct probe_session session = begin;

			session.log = probed ? space.log : NULL;
			error = pass(design, &session, out, number, cold);
			if (error)
				return error;
		}
	}
	return 0;
}

static int run_line(const char *line, struct probe_out *out)
{
	if (!strncmp(line, "scan ", 5))
		return scan(line + 5, out);
	if (!strncmp(line, "prepare", 7) && (!line[7] || line[7] == ' ')) {
		bool cold;

		return only(line + 7, prepare_names, ARRAY_SIZE(prepare_names), NULL) ? prepare(line + 7, &cold) : -EINVAL;
	}
#ifndef MODULE
	if (!strncmp(line, "churn ", 6)) {
		unsigned long seed, operations, permille;
		bool cold;

		/* A session's memory is taken before. */
		if (number_of(line + 6, "seed", 1, 0, ULONG_MAX, &seed) ||
		    number_of(line + 6, "operations", 1000000, 1, 100000000, &operations) ||
		    number_of(line + 6, "permille", 2000, 1, 2000, &permille))
			return -EINVAL;
		return (space.words ? 0 : prepare("", &cold)) ?: probe_churn(seed, operations, permille);
	}
	if (!strncmp(line, "trace ", 6)) {
		unsigned long seed, operations, every, permille;
		bool cold;

		if (number_of(line + 6, "seed", 1, 0, ULONG_MAX, &seed) ||
		    number_of(line + 6, "operations", 20000, 1, 10000000, &operations) ||
		    number_of(line + 6, "every", 2000, 1, 10000000, &every) ||
		    number_of(line + 6, "permille", 700, 1, 2000, &permille))
			return -EINVAL;
		return prepare("", &cold) ?:
		       probe_trace(seed, operations, every, permille, page_address(space.words), WORDS_BYTES / 8, out);
	}
#endif
	if (!strcmp(line, "dump")) {
		bool cold;

		/* A session's memory stays as it is. */
		return (space.words ? 0 : prepare("", &cold)) ?:
		       probe_dump(page_address(space.words), WORDS_BYTES / 8, out);
	}
	return -EINVAL;
}

int probe_run(char *text, struct probe_out *out)
{
	char *line;
	int error = 0;

	probe_print(out, "hintprobe 1 release=%s cpus=%u nodes=%u max_order=%u migratetypes=%u pages=%lu\n",
		    utsname()->release, num_online_cpus(), num_online_nodes(), PROBE_MAX_ORDER, MIGRATE_TYPES,
		    totalram_pages());
	while (!error && !out->failed && (line = strsep(&text, "\n"))) {
		line = strim(line);
		if (!*line || *line == '#')
			continue;
		probe_print(out, "command %s\n", line);
		error = run_line(line, out);
		if (error)
			probe_print(out, "error %d\n", error);
	}
	/* Its absence says that the run was cut short. */
	if (!error && !out->failed)
		probe_print(out, "done\n");
	return out->failed ? -EIO : error;
}
