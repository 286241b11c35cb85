#ifndef HINTBENCH_PREEMPTION_H
#define HINTBENCH_PREEMPTION_H

#include <stdint.h>

/*
 * Whether the kernel took the calling thread off its CPU (or moved it, or gave it a signal) since a moment, for a store
 * and a load: cheap enough to ask about each hold of a lock.
 *
 * A restartable sequence's descriptor that covers no instruction is stored in the thread's rseq area. Each time the kernel
 * returns to the thread from a preemption, a migration or a signal, it finds the thread outside of the sequence and clears
 * the word (Linux 4.18 on, kernel/rseq.c, rseq_ip_fixup()). An interrupt that doesn't switch threads leaves it, and so does
 * a hypervisor that takes the CPU away. glibc registers the area since 2.35.
 */
#if defined(__linux__) && __has_include(<sys/rseq.h>)
#include <stddef.h>
#include <sys/rseq.h>
#define HINTBENCH_HAS_RSEQ 1

/* Covers no instruction; its abort address carries the signature that the kernel looks for. */
extern struct rseq_cs chost_empty_sequence;

static inline volatile uint64_t *chost_rseq_word(void) {
    char *thread;
#if defined(__x86_64__)
    __asm__("mov %%fs:0, %0" : "=r"(thread));
#else
    __asm__("mrs %0, tpidr_el0" : "=r"(thread));
#endif
    return (volatile uint64_t *)(thread + __rseq_offset + offsetof(struct rseq, rseq_cs));
}
#endif

enum chost_preemption {
    chost_preemption_unknown = 0,
    chost_preemption_none = 1,
    chost_preemption_happened = 2,
};

/* From here on. One watch a thread at a time. */
static inline void chost_watch_preemption(void) {
#ifdef HINTBENCH_HAS_RSEQ
    if (__rseq_size != 0) *chost_rseq_word() = (uintptr_t)&chost_empty_sequence;
#endif
}

/* What happened since chost_watch_preemption(), and ends the watch; unknown where the thread has no rseq area. */
static inline uint8_t chost_preemption(void) {
#ifdef HINTBENCH_HAS_RSEQ
    if (__rseq_size != 0) {
        volatile uint64_t *word = chost_rseq_word();
        uint8_t found = *word == 0 ? chost_preemption_happened : chost_preemption_none;
        *word = 0;
        return found;
    }
#endif
    return chost_preemption_unknown;
}

#endif
