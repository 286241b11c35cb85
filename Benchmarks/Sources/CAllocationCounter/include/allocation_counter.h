#ifndef HINTBENCH_ALLOCATION_COUNTER_H
#define HINTBENCH_ALLOCATION_COUNTER_H

#include <stdint.h>

/*
 * This target's malloc(), calloc(), realloc(), memalign() and their kin take the place of glibc's in a program that links
 * it, count, and pass on to glibc's. One count a thread: the calls that gave out or gave back memory.
 */
struct allocation_counts {
    uint64_t allocations;
    uint64_t frees;
};

/* Of the calling thread since it began. */
struct allocation_counts allocation_counts(void);

#endif
