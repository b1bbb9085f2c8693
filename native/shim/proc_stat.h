// /proc/PID/stat: a pure function of its text.
#ifndef FINIT_SHIM_PROC_STAT_H
#define FINIT_SHIM_PROC_STAT_H

#include "text.h"

// Fields, counted from 1 as in proc(5).
#define STAT_PARENT 4
#define STAT_START 22

// The number in a field after the 2nd. False when there is none, or one above `most`, or the text may end within it.
bool stat_field(struct text stat, int field, uint64_t most, uint64_t *number);

#endif
