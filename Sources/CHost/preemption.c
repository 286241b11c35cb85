#define _GNU_SOURCE
#include "preemption.h"

#ifdef HINTBENCH_HAS_RSEQ

#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)

/* Four bytes of signature, then the address that nothing ever jumps to, since no instruction is in the sequence. */
__asm__(".pushsection .text\n"
        ".balign 4\n"
        ".long " TEXT(RSEQ_SIG) "\n"
        "chost_empty_sequence_abort:\n"
#if defined(__x86_64__)
        "ud2\n"
#else
        "brk #1\n"
#endif
        ".popsection\n");

extern const char chost_empty_sequence_abort[] __attribute__((visibility("hidden")));

struct rseq_cs chost_empty_sequence = {
    .start_ip = (uintptr_t)chost_empty_sequence_abort,
    .post_commit_offset = 0,
    .abort_ip = (uintptr_t)chost_empty_sequence_abort,
};

#endif
