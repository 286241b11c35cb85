#define _GNU_SOURCE
#include "dirty_log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED (1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC (1 << 15)
#endif

/* struct pm_scan_arg of linux/fs.h, by a name that no header has. */
struct scan_request {
    uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_REQUEST _IOWR('f', 16, struct scan_request)
#define SCAN_WP_MATCHING (1 << 0)
#define SCAN_CHECK_WPASYNC (1 << 1)
#define CATEGORY_WRITTEN (1 << 1)

_Static_assert(sizeof(struct scan_request) == 96, "the size is part of the call's number");
_Static_assert(sizeof(struct chost_page_run) == 24, "struct page_region");

int chost_protection_open(void) {
    int descriptor = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
    if (descriptor < 0) return -errno;
    struct uffdio_api api = {.api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC | UFFD_FEATURE_WP_UNPOPULATED};
    if (ioctl(descriptor, UFFDIO_API, &api) != 0) {
        int code = errno;
        close(descriptor);
        return -code;
    }
    return descriptor;
}

int chost_protection_register(int descriptor, void *base, size_t bytes) {
    struct uffdio_register request = {.range = {.start = (uint64_t)base, .len = bytes},
                                      .mode = UFFDIO_REGISTER_MODE_WP};
    return ioctl(descriptor, UFFDIO_REGISTER, &request) == 0 ? 0 : errno;
}

int chost_protection_renew(int descriptor, void *base, size_t bytes) {
    struct uffdio_writeprotect request = {.range = {.start = (uint64_t)base, .len = bytes},
                                          .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    return ioctl(descriptor, UFFDIO_WRITEPROTECT, &request) == 0 ? 0 : errno;
}

int chost_pagemap_open(void) {
    int descriptor = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    /* Of nothing at all. */
    struct scan_request request = {.size = sizeof request, .return_mask = CATEGORY_WRITTEN};
    if (ioctl(descriptor, SCAN_REQUEST, &request) < 0) {
        int code = errno;
        close(descriptor);
        return -code;
    }
    return descriptor;
}

long chost_pagemap_scan_written(int descriptor, uint64_t start, uint64_t end, struct chost_page_run *runs, size_t capacity,
                                uint64_t *walk_end) {
    struct scan_request request = {.size = sizeof request,
                                   .flags = SCAN_WP_MATCHING | SCAN_CHECK_WPASYNC,
                                   .start = start,
                                   .end = end,
                                   .vec = (uint64_t)runs,
                                   .vec_len = capacity,
                                   .category_mask = CATEGORY_WRITTEN,
                                   .return_mask = CATEGORY_WRITTEN};
    long found = ioctl(descriptor, SCAN_REQUEST, &request);
    *walk_end = request.walk_end;
    return found >= 0 ? found : -errno;
}
