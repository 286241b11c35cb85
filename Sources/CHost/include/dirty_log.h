#ifndef HINTBENCH_DIRTY_LOG_H
#define HINTBENCH_DIRTY_LOG_H

#include <stddef.h>
#include <stdint.h>

/*
 * The log of written pages that Linux keeps of a process's own memory since 6.7: userfaultfd write protection that the
 * kernel itself resolves (UFFD_FEATURE_WP_ASYNC), read and renewed page by page in one step (PAGEMAP_SCAN).
 * Documentation/admin-guide/mm/userfaultfd.rst and pagemap.rst. Headers older than that kernel lack the names.
 */

/* A userfaultfd with asynchronous write protection, also of pages that nobody has touched. Needs no privilege, since no
   fault is ever handed to a user. The descriptor, or -errno: EINVAL where the kernel is older. */
int chost_protection_open(void);
/* Puts a mapping under it, unprotected. 0, or errno. */
int chost_protection_register(int descriptor, void *base, size_t bytes);
/* Protects all pages of a part of it. 0, or errno. */
int chost_protection_renew(int descriptor, void *base, size_t bytes);

/* /proc/self/pagemap, once it is known that PAGEMAP_SCAN works on it. The descriptor, or -errno: ENOTTY where the kernel
   is older. */
int chost_pagemap_open(void);

/* A run of pages, as addresses: struct page_region of linux/fs.h. */
struct chost_page_run {
    uint64_t start, end, categories;
} __attribute__((swift_name("WrittenRun")));

/* Runs of pages in start ..< end that were written to since they were protected last, and protects them again: each page
   in one step with looking at it. How many runs, or -errno; *walk_end tells how far it came with so many. */
long chost_pagemap_scan_written(int descriptor, uint64_t start, uint64_t end, struct chost_page_run *runs, size_t capacity,
                                uint64_t *walk_end);

#endif
