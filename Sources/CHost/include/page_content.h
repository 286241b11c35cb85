#ifndef HINTBENCH_PAGE_CONTENT_H
#define HINTBENCH_PAGE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * What pages of 4 KiB hold. A guest writes them while its host reads them: what is read then is worth nothing, and the
 * dirty log says so. The thread sanitizer is told that this is on purpose.
 */

/* Fills a page with words that follow from `key`: not zero, and not the same for two keys. */
void chost_page_fill(void *page, uint64_t key);
/* Whether it is all zeroes. */
bool chost_page_is_zero(const void *page);
/* 64 bits of a page's content: a single word that differs always shows, any other difference with all but certainty. */
uint64_t chost_page_hash(const void *page, uint64_t seed);

#endif
