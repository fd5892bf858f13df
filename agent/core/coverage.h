/* coverage.h - what the cases of an adapter exercise of it, and what they do not. */
#ifndef CORE_COVERAGE_H
#define CORE_COVERAGE_H

#include "core/adapter.h"
#include "wire/yaml.h"

struct coverage;

/* coverage_new - a is compiled, and borrowed. */
struct coverage *coverage_new(const struct adapter *a);
void coverage_free(struct coverage **c);

/* coverage_case - runs a case. *ret_differences counts. Faults as case_run. */
enum fault coverage_case(struct coverage *c, const json_t *one, size_t *ret_differences,
                         struct note *note) MUSTCHECK;

/* coverage_tell - complains of what no case had: operations that end well, rules that fit, words of state
 * maps, the steps cancel, fetch and lookup, uploads. root and marks are the adapter's own file; what it has
 * from a file that it extends is that file's. */
void coverage_tell(const struct coverage *c, const json_t *root, const struct yaml_marks *marks,
                   adapter_complain_fn *complain, void *arg);

#endif
