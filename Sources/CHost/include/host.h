#ifndef HINTBENCH_HOST_H
#define HINTBENCH_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- time-stamp counter ------------------------------------------------------------------------------------- */

/* Opens an interval: nothing before it is still running when the counter is read, nothing after it has begun. */
static inline uint64_t chost_ticks_begin(void) {
#if defined(__x86_64__)
    uint32_t lo, hi;
    __asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(lo), "=d"(hi)::"memory");
    return ((uint64_t)hi << 32) | lo;
#elif defined(__aarch64__)
    uint64_t t;
    __asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(t)::"memory");
    return t;
#else
#error "hintbench measures on x86-64 and arm64"
#endif
}

/* Closes an interval: rdtscp waits for everything before it. */
static inline uint64_t chost_ticks_end(void) {
#if defined(__x86_64__)
    uint32_t lo, hi, aux;
    __asm__ volatile("rdtscp\n\tlfence" : "=a"(lo), "=d"(hi), "=c"(aux)::"memory");
    return ((uint64_t)hi << 32) | lo;
#else
    return chost_ticks_begin();
#endif
}

/* ---- what a spinning or flushing CPU needs ------------------------------------------------------------------ */

/* Asks for a cache line that will be written soon. Any address may be given. */
static inline void chost_prefetch_write(const void *address) { __builtin_prefetch(address, 1, 3); }

/* cpu_relax() */
static inline void chost_pause(void) {
#if defined(__x86_64__)
    __asm__ volatile("pause" ::: "memory");
#else
    __asm__ volatile("yield" ::: "memory");
#endif
}

/* Takes the cache line at p out of every cache. The caller fences once behind a series. */
static inline void chost_flush_line(const void *p) {
#if defined(__x86_64__)
    __asm__ volatile("clflush (%0)" ::"r"(p) : "memory");
#else
    __asm__ volatile("dc civac, %0" ::"r"(p) : "memory");
#endif
}

static inline void chost_fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

/* smp_wmb(): stores before it are seen before stores after it. x86-64 keeps stores in order by itself, so that the compiler
   alone has to be held back and no instruction is left of it; arm64 needs one. */
static inline void chost_write_barrier(void) {
#if defined(__x86_64__)
    __asm__ volatile("" ::: "memory");
#else
    __asm__ volatile("dmb ishst" ::: "memory");
#endif
}

/* The compiler must have v computed here, and may assume nothing of memory after it. */
static inline void chost_consume(uint64_t v) { __asm__ volatile("" : : "r"(v) : "memory"); }
static inline void chost_consume_pointer(const void *p) { __asm__ volatile("" : : "r"(p) : "memory"); }

/* ---- lockless peeks ------------------------------------------------------------------------------------------ */

/*
 * READ_ONCE() of a word that another CPU may be writing under a lock. The kernel races here on purpose (its data_race());
 * the thread sanitizer is told so.
 */
__attribute__((no_sanitize("thread"))) static inline uint64_t chost_read_once(const void *p) {
    return *(const volatile uint64_t *)p;
}

/* The same of a byte. */
__attribute__((no_sanitize("thread"))) static inline uint8_t chost_read_once_byte(const void *p) {
    return *(const volatile uint8_t *)p;
}

/* ---- what Glibc's Swift module lacks -------------------------------------------------------------------------- */

/* Binds the calling thread to one CPU. 0, or errno. */
int chost_pin_to_cpu(int cpu);
/* Lets the calling thread run on all of these. 0, or errno. */
int chost_allow_cpus(const int *cpus, int count);
/* The CPUs this thread may run on, lowest first; how many there are, which may be more than capacity. */
int chost_allowed_cpus(int *cpus, int capacity);
int chost_current_cpu(void);

struct chost_thread_usage {
    int64_t involuntary_switches;
    int64_t minor_faults;
} __attribute__((swift_name("ThreadUsage")));
/* Of the calling thread (RUSAGE_THREAD). 0, or errno. */
int chost_thread_usage(struct chost_thread_usage *out);

/* Private anonymous memory, reserved without commitment (MAP_NORESERVE). NULL and errno where refused. */
void *chost_reserve(size_t bytes, size_t alignment);
int chost_release(void *p, size_t bytes);
/* Asks for 2 MiB pages, or for none. 0, or errno. */
int chost_advise_huge(void *p, size_t bytes, bool huge);
/* Gives the pages back; they read as zero afterwards. 0, or errno. */
int chost_discard(void *p, size_t bytes);

/* Writes out what the C library has buffered for standard output. 0; errno where that fails; EIO where an earlier write had
   failed. */
int chost_flush_output(void);

/* A new eventfd, counter 0, blocking. The descriptor, or -errno. */
int chost_eventfd(void);

/* ---- other processes ------------------------------------------------------------------------------------------ */

/* An empty file that has no name and is gone with its last descriptor, which children inherit. The descriptor, or -errno. */
int chost_memory_file(const char *name);
/* The same of huge pages of 2 MiB (MFD_HUGETLB), which the administrator must have set aside. The descriptor, or -errno. */
int chost_huge_memory_file(const char *name);
/* Gives the file's pages of a range back; they read as zero afterwards, in every mapping. 0, or errno. */
int chost_punch_hole(int descriptor, int64_t offset, int64_t bytes);
/* Has the kernel kill this process when its parent, which should be this one, ends. 0; ESRCH: it has ended; or errno. */
int chost_die_with_parent(int parent);

/* ---- the yardstick --------------------------------------------------------------------------------------------- */

/* A loop of two instructions a round, for counters to be tried on. */
static inline void chost_known_loop(uint64_t rounds) {
#if defined(__x86_64__)
    __asm__ volatile("1:\n\tdec %0\n\tjnz 1b" : "+r"(rounds)::"cc");
#else
    __asm__ volatile("1:\n\tsubs %0, %0, #1\n\tb.ne 1b" : "+r"(rounds)::"cc");
#endif
}

struct list_head;
/*
 * The walk every whole-list design makes, in C: from a list's head to its end, the block's byte address stored for each
 * entry. `vmemmap` is the address of page 0, `shift` turns an offset in it into a byte address (6 + granule order).
 * Returns how many were stored. What Swift is held against, and the limit shown beside a design's cost.
 */
size_t chost_walk_list(const struct list_head *head, uint64_t vmemmap, unsigned shift, uint64_t *out);

#endif
