#ifndef HINTBENCH_SIMULATION_H
#define HINTBENCH_SIMULATION_H

#include <stdbool.h>

/*
 * What a program asks of valgrind's callgrind, the simulator that counts instructions and cache misses. Outside valgrind
 * each of these does nothing.
 */

/* Whether this was built with valgrind's headers; without them the rest does nothing anywhere. */
bool chost_simulation_is_built_in(void);
/* Whether this process runs under valgrind. */
bool chost_simulation_is_on(void);
/* From here on instructions are simulated, with empty caches; before, the program only runs. */
void chost_simulation_begin(void);
void chost_simulation_end(void);
/* Between two of these what is simulated is also counted. */
void chost_simulation_toggle_count(void);
/* Writes what was counted since the last time to callgrind's file, under this name, and counts from 0 again. */
void chost_simulation_write_counts(const char *name);

#endif
