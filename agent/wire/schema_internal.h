/* schema_internal.h - what the files of the schema engine share: the compiled form of a schema.
 *
 * schema_build.c makes nodes of a schema's text, with schema_keyword.c for what stands in one, schema_ref.c
 * for URIs and schema_pattern.c for regular expressions. schema_check.c holds a value against them.
 * schema_blame.c finds the words for what does not fit, with schema_branch.c for anyOf and oneOf and
 * schema_hint.c for names. */
#ifndef WIRE_SCHEMA_INTERNAL_H
#define WIRE_SCHEMA_INTERNAL_H

#include <jansson.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/map.h"
#include "base/slice.h"
#include "wire/schema.h"

/* ---- the compiled form ---- */

struct schema_pattern;
struct schema_scratch;

/* Bits of the types of draft-07. A value has exactly one, so that sets of types can be joined and cut. */
enum schema_type {
    SCHEMA_NULL = 1,
    SCHEMA_BOOLEAN = 2,
    SCHEMA_INTEGER = 4,
    SCHEMA_FRACTION = 8, /* a number that is no integer */
    SCHEMA_NUMBER = SCHEMA_INTEGER | SCHEMA_FRACTION,
    SCHEMA_STRING = 16,
    SCHEMA_ARRAY = 32,
    SCHEMA_OBJECT = 64,
    SCHEMA_ANY = 127
};

struct schema_list {
    struct schema_node **items;
    size_t n;
};

/* Values are borrowed from the schema's text; NULL: the keyword is not there. */
struct schema_number {
    const json_t *minimum;
    const json_t *maximum;
    const json_t *above; /* exclusiveMinimum */
    const json_t *below; /* exclusiveMaximum */
    const json_t *multiple;
};

/* A bound that is not there is 0 or SIZE_MAX. */
struct schema_bounds {
    size_t min;
    size_t max;
};

struct schema_string {
    struct schema_bounds length; /* in code points */
    struct schema_pattern *pattern;
};

struct schema_array {
    struct schema_bounds items;
    bool unique;
    struct schema_node *each; /* items as one schema */
    struct schema_list tuple; /* items as a list */
    bool is_tuple;
    struct schema_node *more; /* additionalItems */
    struct schema_node *contains;
};

struct schema_patterned {
    struct schema_pattern *pattern;
    struct schema_node *node;
};

/* dependencies: when name is there, so must be the names, or node must fit. */
struct schema_dependency {
    const char *name;
    const json_t *names;
    struct schema_node *node;
};

struct schema_object {
    struct schema_bounds fields;
    struct map *known; /* properties: name -> node */
    struct schema_patterned *patterned;
    size_t n_patterned;
    struct schema_node *more; /* additionalProperties */
    struct schema_node *names;
    const json_t *required;
    struct schema_dependency *dependencies;
    size_t n_dependencies;
};

struct schema_logic {
    struct schema_list all;
    struct schema_list any;
    struct schema_list one;
    struct schema_node *no;
    struct schema_node *when; /* if */
    struct schema_node *then;
    struct schema_node *otherwise; /* else */
};

/* One schema. A family of keywords costs memory only when one of them is there. Nodes belong to the list in
 * struct schema: a $ref makes the graph cyclic, so that no node can own another. */
struct schema_node {
    const json_t *text;         /* as written: an object, true or false */
    struct schema_node *target; /* $ref: the rest is ignored (draft-07 core, section 8.3) */
    bool never;                 /* the schema false */
    unsigned types;             /* bits of enum schema_type */
    const json_t *allowed;      /* enum */
    const json_t *constant;
    struct schema_number *number;
    struct schema_string *string;
    struct schema_array *array;
    struct schema_object *object;
    struct schema_logic *logic;
};

struct schema {
    json_t *text;
    struct schema_node **nodes; /* all, owned; the first is the root */
    size_t n_nodes;
    struct schema_scratch *scratch;
};

/* ---- schema_build.c ---- */

/* schema_build_nodes - compiles s->text into s->nodes. Faults: BAD_VALUE, the note's field is the place. */
enum fault schema_build_nodes(struct schema *s, struct note *note) MUSTCHECK;

/* The place of a keyword while it is read. */
struct schema_at {
    struct schema_build *build;
    const char *where; /* JSON pointer of the keyword in the text */
    const char *base;  /* URI that references are relative to; "" is none */
    size_t depth;
};

/* schema_build_child - compiles a schema that stands in the keyword at key (NULL: it is the keyword's value).
 */
enum fault schema_build_child(const struct schema_at *at, const char *key, const json_t *text,
                              struct schema_node **ret_node) MUSTCHECK;

/* schema_build_fail - BAD_VALUE with the place before the sentence. */
enum fault schema_build_fail(const struct schema_at *at, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- schema_keyword.c ---- */

/* schema_keyword_read - what the keyword name with that value means for node; an unknown one means nothing.
 */
enum fault schema_keyword_read(const struct schema_at *at, struct schema_node *node, const char *name,
                               const json_t *value) MUSTCHECK;

/* schema_keyword_free - the node with what its keywords made; not the nodes it points to. */
void schema_keyword_free(struct schema_node **n);

/* ---- schema_ref.c: URIs, as far as draft-07 needs them (RFC 3986 section 5.2) ---- */

/* schema_ref_join - reference seen from base ("" is none). The caller frees it. */
char *schema_ref_join(const char *base, const char *reference);

/* schema_ref_fragment - takes the fragment off uri, percent signs decoded, into fresh memory. "" when there
 * is none. */
char *schema_ref_fragment(char *uri);

/* schema_ref_push - pointer/key with key escaped (RFC 6901). The caller frees it. */
char *schema_ref_push(const char *pointer, const char *key);

/* schema_ref_walk - the value at pointer under value, or NULL. */
json_t *schema_ref_walk(json_t *value, const char *pointer);

/* schema_ref_token - the next reference token of *rest (which begins behind a slash), unescaped, into fresh
 * memory; NULL at the end. */
char *schema_ref_token(struct slice *rest);

/* ---- schema_pattern.c ---- */

/* schema_pattern_new - compiles an ECMA 262 pattern. NULL: it is wrong, *ret_at says at which byte and text
 * why. */
struct schema_pattern *schema_pattern_new(const char *source, size_t *ret_at, char *text, size_t size);
void schema_pattern_free(struct schema_pattern **p);
const char *schema_pattern_source(const struct schema_pattern *p);

/* What all patterns of a schema match in. */
struct schema_scratch *schema_pattern_scratch(void);
void schema_pattern_scratch_free(struct schema_scratch **s);

enum schema_match { SCHEMA_MATCH_NO, SCHEMA_MATCH_YES, SCHEMA_MATCH_TOO_HARD };

enum schema_match schema_pattern_match(struct schema_scratch *s, const struct schema_pattern *p,
                                       struct slice text);

/* ---- schema_value.c ---- */

/* schema_value_type - the one type bit that value has. */
unsigned schema_value_type(const json_t *value);

/* schema_value_order - -1, 0, 1 as number a is less than, equal to or greater than b, exactly. */
int schema_value_order(const json_t *a, const json_t *b);

/* schema_value_is_multiple - of > 0. */
bool schema_value_is_multiple(const json_t *value, const json_t *of);

/* schema_value_equal - equal as JSON: 1 and 1.0 are the same. Each comparison takes one off *steps; false
 * when none are left. */
bool schema_value_equal(const json_t *a, const json_t *b, size_t *steps);

/* schema_value_length - the code points of a string. */
size_t schema_value_length(const json_t *string);

/* ---- schema_check.c ---- */

/* Where a check stands in the value: a chain on the stack, written out only for a complaint. */
struct schema_path {
    const struct schema_path *up;
    const char *key; /* NULL: an item of a list */
    size_t index;
};

enum schema_mode {
    SCHEMA_VERDICT, /* the first mistake ends the check */
    SCHEMA_COUNT,   /* mistakes are counted to compare branches; no branch is looked into */
    SCHEMA_TELL     /* mistakes are told */
};

struct schema_check {
    struct schema_scratch *scratch;
    enum schema_mode mode;
    schema_complain_fn *complain;
    void *arg;
    size_t complaints;
    size_t steps; /* left; at 0 the value is too complex, whatever the functions below say */
    size_t depth;
};

/* schema_check_node - value fits node. */
bool schema_check_node(struct schema_check *c, const struct schema_node *node, const json_t *value,
                       const struct schema_path *path);

/* schema_check_as - as schema_check_node in another mode than TELL; *ret_complaints (may be NULL) is how many
 * mistakes it counted. */
bool schema_check_as(struct schema_check *c, enum schema_mode mode, const struct schema_node *node,
                     const json_t *value, size_t *ret_complaints);

/* ---- schema_blame.c: all give false, so that `return schema_blame(…)` reads well ---- */

bool schema_blame(struct schema_check *c, const struct schema_path *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The keyword says what value would be right. */
bool schema_blame_type(struct schema_check *c, unsigned types, const json_t *value,
                       const struct schema_path *path);
bool schema_blame_choice(struct schema_check *c, const json_t *allowed, const json_t *value,
                         const struct schema_path *path);
bool schema_blame_constant(struct schema_check *c, const json_t *constant, const struct schema_path *path);
bool schema_blame_pattern(struct schema_check *c, const struct schema_node *node,
                          const struct schema_path *path);
bool schema_blame_number(struct schema_check *c, const char *what, const json_t *bound, const json_t *value,
                         const struct schema_path *path);

/* schema_blame_field - node does not know the field at path. */
bool schema_blame_field(struct schema_check *c, const struct schema_node *node,
                        const struct schema_path *path);

/* ---- schema_branch.c ---- */

/* schema_branch_none - no branch of anyOf (of oneOf: one) fits: complains for the one that was meant. */
bool schema_branch_none(struct schema_check *c, const struct schema_list *branches, bool one,
                        const json_t *value, const struct schema_path *path);

/* schema_branch_many - more than one branch of oneOf fits. */
bool schema_branch_many(struct schema_check *c, const struct schema_list *branches,
                        const struct schema_path *path);

/* schema_branch_not - the value fits the schema of not. */
bool schema_branch_not(struct schema_check *c, const struct schema_node *no, const struct schema_path *path);

/* ---- schema_hint.c ---- */

/* The candidate nearest to a name. Zero but for name at first. */
struct schema_hint {
    const char *name;
    const char *best; /* NULL: none is near; borrowed from a candidate */
    size_t distance;
};

/* schema_hint_try - candidate is nearer than what h holds: h holds it. */
void schema_hint_try(struct schema_hint *h, const char *candidate);

#endif
