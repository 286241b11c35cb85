/* Nothing to call: see sigsuspend.c. */
