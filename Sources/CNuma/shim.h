#ifndef HINTBENCH_CNUMA_SHIM_H
#define HINTBENCH_CNUMA_SHIM_H

#include <numa.h>
#include <numaif.h>

/* numa_all_nodes_ptr is a mutable C global, which Swift 6 refuses to read: ask through a function. */
static inline int cnuma_node_allowed(int node) {
    return numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned)node);
}
/* The same for the CPUs that the process was allowed when it started. */
static inline int cnuma_cpu_allowed(int cpu) {
    return numa_bitmask_isbitset(numa_all_cpus_ptr, (unsigned)cpu);
}

#endif
