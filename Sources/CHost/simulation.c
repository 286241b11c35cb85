#include "simulation.h"

#if defined(__has_include)
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#define HAS_CALLGRIND 1
#endif
#endif

#ifdef HAS_CALLGRIND

bool chost_simulation_is_built_in(void) { return true; }
bool chost_simulation_is_on(void) { return RUNNING_ON_VALGRIND != 0; }
void chost_simulation_begin(void) { CALLGRIND_START_INSTRUMENTATION; }
void chost_simulation_end(void) { CALLGRIND_STOP_INSTRUMENTATION; }
void chost_simulation_toggle_count(void) { CALLGRIND_TOGGLE_COLLECT; }
void chost_simulation_write_counts(const char *name) { CALLGRIND_DUMP_STATS_AT(name); }

#else

bool chost_simulation_is_built_in(void) { return false; }
bool chost_simulation_is_on(void) { return false; }
void chost_simulation_begin(void) {}
void chost_simulation_end(void) {}
void chost_simulation_toggle_count(void) {}
void chost_simulation_write_counts(const char *name) { (void)name; }

#endif
