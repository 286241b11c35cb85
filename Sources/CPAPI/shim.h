#ifndef HINTBENCH_CPAPI_SHIM_H
#define HINTBENCH_CPAPI_SHIM_H

#include <papi.h>
#include <pthread.h>

/* Macros with casts don't import into Swift; each is wrapped once here. */
static inline int cpapi_version(void) { return PAPI_VER_CURRENT; }
static inline int cpapi_tot_cyc(void) { return PAPI_TOT_CYC; }
static inline int cpapi_tot_ins(void) { return PAPI_TOT_INS; }
static inline int cpapi_l1_dcm(void) { return PAPI_L1_DCM; }
static inline int cpapi_l2_dcm(void) { return PAPI_L2_DCM; }
static inline int cpapi_l3_tcm(void) { return PAPI_L3_TCM; }
static inline int cpapi_tlb_dm(void) { return PAPI_TLB_DM; }

static inline int cpapi_null(void) { return PAPI_NULL; }
/* Of the processor's counters (component 0) this event set is to count what happens in user mode alone. */
static inline int cpapi_count_user_mode(int event_set) {
    PAPI_option_t option = {0};
    int code = PAPI_assign_eventset_component(event_set, 0);
    if (code != PAPI_OK) return code;
    option.domain.eventset = event_set;
    option.domain.domain = PAPI_DOM_USER;
    return PAPI_set_opt(PAPI_DOMAIN, &option);
}
/* pthread_t is an unsigned long on Linux, as PAPI wants its thread ids. */
static inline int cpapi_thread_init(void) { return PAPI_thread_init((unsigned long (*)(void))pthread_self); }
/* Component 0 is the processor's counters (perf_event). Empty where it isn't disabled, NULL where there is none. */
static inline const char *cpapi_cpu_disabled_reason(void) {
    const PAPI_component_info_t *info = PAPI_get_component_info(0);
    return info ? info->disabled_reason : NULL;
}

#endif
