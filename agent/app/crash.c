/* crash.c - ends the process at a named place, in test builds only. */
#include "app/crash.h"

#ifdef SLUICE_CRASH_POINTS
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"

void crash_point(const char *name)
{
    static int passed; /* the one counter a test build keeps */
    struct slice rest = slice_of(getenv("SLUICE_CRASH")), wanted, count = {"1", 1};

    if (!rest.p || !slice_cut(&rest, ':', &wanted) || !slice_is(wanted, name)) {
        return;
    }
    if (rest.p) {
        count = rest;
    }
    if (++passed >= (int)strtol(count.p, NULL, 10)) {
        kill(getpid(), SIGKILL);
    }
}
#else
typedef int crash_not_in_this_build; /* a translation unit is not empty */
#endif
