#define _GNU_SOURCE
#include "allocation_counter.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

#if !defined(__GLIBC__)
#error "counts by standing before glibc's allocator"
#endif

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

/* local-exec: reading it allocates nothing, which a thread-local of a shared library might. */
static _Thread_local struct allocation_counts counts __attribute__((tls_model("local-exec")));

struct allocation_counts allocation_counts(void) { return counts; }

void *malloc(size_t bytes) {
    counts.allocations++;
    return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes) {
    counts.allocations++;
    return __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes) {
    counts.allocations++;
    return __libc_realloc(p, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
    counts.allocations++;
    return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **out, size_t alignment, size_t bytes) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *p = memalign(alignment, bytes);
    if (p == NULL) return ENOMEM;
    *out = p;
    return 0;
}

void *valloc(size_t bytes) { return memalign((size_t)sysconf(_SC_PAGESIZE), bytes); }

void free(void *p) {
    if (p != NULL) counts.frees++;
    __libc_free(p);
}
