#include "page_content.h"

#include <stddef.h>

#define WORDS 512

/* SplitMix64's step from a counter to a word. */
static inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

__attribute__((no_sanitize("thread"))) void chost_page_fill(void *page, uint64_t key) {
    uint64_t *words = page;
    uint64_t word = mix(key + 0x9E3779B97F4A7C15u);
    /* The increment is of the key, too, so that pages of two keys have no word in common but by chance. */
    uint64_t step = mix(word) | 1;
    for (size_t i = 0; i < WORDS; i++) words[i] = word += step;
}

__attribute__((no_sanitize("thread"))) bool chost_page_is_zero(const void *page) {
    const uint64_t *words = page;
    for (size_t i = 0; i < WORDS; i += 32) {
        uint64_t any = 0;
        for (size_t k = 0; k < 32; k++) any |= words[i + k];
        if (any != 0) return false;
    }
    return true;
}

__attribute__((no_sanitize("thread"))) uint64_t chost_page_hash(const void *page, uint64_t seed) {
    const uint64_t *words = page;
    /* Four chains, so that multiplications overlap; each step is a bijection of what the chain was. */
    uint64_t a = mix(seed + 1), b = mix(seed + 2), c = mix(seed + 3), d = mix(seed + 4);
    for (size_t i = 0; i < WORDS; i += 4) {
        a = (a ^ words[i]) * 0x9E3779B97F4A7C15u;
        b = (b ^ words[i + 1]) * 0xC2B2AE3D27D4EB4Fu;
        c = (c ^ words[i + 2]) * 0x165667B19E3779F9u;
        d = (d ^ words[i + 3]) * 0xD6E8FEB86659FD93u;
        /* A product's low bits know only low bits. */
        a ^= a >> 32;
        b ^= b >> 32;
        c ^= c >> 32;
        d ^= d >> 32;
    }
    return mix(mix(mix(mix(a) + b) + c) + d);
}
