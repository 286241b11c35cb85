#define _GNU_SOURCE
#include "host.h"
#include "struct_page.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* In linux/memfd.h, not in the C library's headers: log2 of the page size above the flags. */
#ifndef MFD_HUGE_2MB
#define MFD_HUGE_2MB (21U << 26)
#endif

int chost_pin_to_cpu(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int chost_allow_cpus(const int *cpus, int count) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < count; i++) CPU_SET(cpus[i], &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : errno;
}

int chost_allowed_cpus(int *cpus, int capacity) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) return -errno;
    int n = 0;
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &set)) {
            if (n < capacity) cpus[n] = cpu;
            n++;
        }
    return n;
}

int chost_flush_output(void) {
    if (fflush(stdout) != 0) return errno;
    return ferror(stdout) ? EIO : 0;
}

int chost_current_cpu(void) { return sched_getcpu(); }

int chost_thread_usage(struct chost_thread_usage *out) {
    struct rusage usage;
    if (getrusage(RUSAGE_THREAD, &usage) != 0) return errno;
    out->involuntary_switches = usage.ru_nivcsw;
    out->minor_faults = usage.ru_minflt;
    return 0;
}

void *chost_reserve(size_t bytes, size_t alignment) {
    /* Over-reserve, then cut to the alignment: mmap() itself promises 4 KiB only. */
    size_t total = bytes + alignment;
    if (total < bytes) {
        errno = ENOMEM;
        return NULL;
    }
    char *raw = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    uintptr_t aligned = ((uintptr_t)raw + alignment - 1) / alignment * alignment;
    size_t before = aligned - (uintptr_t)raw;
    if (before > 0) munmap(raw, before);
    if (total - before - bytes > 0) munmap((char *)aligned + bytes, total - before - bytes);
    return (void *)aligned;
}

int chost_release(void *p, size_t bytes) { return munmap(p, bytes) == 0 ? 0 : errno; }

int chost_advise_huge(void *p, size_t bytes, bool huge) {
    return madvise(p, bytes, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) == 0 ? 0 : errno;
}

int chost_discard(void *p, size_t bytes) { return madvise(p, bytes, MADV_DONTNEED) == 0 ? 0 : errno; }

int chost_eventfd(void) {
    int descriptor = eventfd(0, EFD_CLOEXEC);
    return descriptor >= 0 ? descriptor : -errno;
}

int chost_memory_file(const char *name) {
    int descriptor = memfd_create(name, 0);
    return descriptor >= 0 ? descriptor : -errno;
}

int chost_huge_memory_file(const char *name) {
    int descriptor = memfd_create(name, MFD_HUGETLB | MFD_HUGE_2MB);
    return descriptor >= 0 ? descriptor : -errno;
}

int chost_punch_hole(int descriptor, int64_t offset, int64_t bytes) {
    return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, bytes) == 0 ? 0 : errno;
}

int chost_die_with_parent(int parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    /* It may have ended before. */
    return getppid() == parent ? 0 : ESRCH;
}

size_t chost_walk_list(const struct list_head *head, uint64_t vmemmap, unsigned shift, uint64_t *out) {
    size_t n = 0;
    for (const struct list_head *entry = head->next; entry != head; entry = entry->next) {
        uint64_t page = (uint64_t)entry - offsetof(struct page, lru);
        out[n++] = (page - vmemmap) << shift;
    }
    return n;
}
