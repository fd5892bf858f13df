/* check_cases.h - the cases of an adapter, and what they leave out. */
#ifndef CLI_CHECK_CASES_H
#define CLI_CHECK_CASES_H

#include "core/adapter.h"

/* check_cases - runs all of dir/<adapter>/(name).yaml and complains of cases that cannot be read or differ,
 * and of what of the adapter none of them exercises. text is the adapter's own file. */
void check_cases(const struct adapter *a, struct slice text, const char *dir, adapter_complain_fn *complain,
                 void *arg);

#endif
