#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Takes the place of libc's in a program that links it. valgrind 3.19 writes into the mask that its client passes, and
 * dies of one that is read-only; libdispatch passes such a one from the first thread of a program whose main is async.
 */
int sigsuspend(const sigset_t *mask) {
    sigset_t copy = *mask;
    return (int)syscall(SYS_rt_sigsuspend, &copy, (size_t)_NSIG / 8);
}
