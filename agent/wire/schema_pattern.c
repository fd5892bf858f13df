/* schema_pattern.c - the regular expressions of schemas: PCRE2 with ECMA 262 habits and a bound on its work.
 */
#include "wire/schema_internal.h"

#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/limits.h"
#include "base/mem.h"

struct schema_pattern {
    pcre2_code *code;
    char *source;
};

struct schema_scratch {
    pcre2_match_context *context;
    pcre2_match_data *data;
};

struct schema_pattern *schema_pattern_new(const char *source, size_t *ret_at, char *text, size_t size)
{
    uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX | PCRE2_ALLOW_EMPTY_CLASS |
                       PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
    int code = 0;
    PCRE2_SIZE at = 0;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)source, PCRE2_ZERO_TERMINATED, options, &code, &at, NULL);

    if (!compiled) {
        pcre2_get_error_message(code, (PCRE2_UCHAR *)text, size);
        *ret_at = at;
        return NULL;
    }
    struct schema_pattern *p = mem_new(sizeof(*p));
    p->code = compiled;
    p->source = mem_text(source);
    return p;
}

void schema_pattern_free(struct schema_pattern **pp)
{
    if (*pp) {
        pcre2_code_free((*pp)->code);
        free((*pp)->source);
        free(*pp);
        *pp = NULL;
    }
}

const char *schema_pattern_source(const struct schema_pattern *p)
{
    return p->source;
}

struct schema_scratch *schema_pattern_scratch(void)
{
    struct schema_scratch *s = mem_new(sizeof(*s));

    s->context = pcre2_match_context_create(NULL);
    s->data = pcre2_match_data_create(1, NULL);
    if (s->context) {
        pcre2_set_match_limit(s->context, LIMIT_PATTERN_STEPS);
        pcre2_set_depth_limit(s->context, LIMIT_PATTERN_STEPS);
        pcre2_set_heap_limit(s->context, LIMIT_PATTERN_KIB);
    }
    return s;
}

void schema_pattern_scratch_free(struct schema_scratch **ps)
{
    if (*ps) {
        pcre2_match_data_free((*ps)->data);
        pcre2_match_context_free((*ps)->context);
        free(*ps);
        *ps = NULL;
    }
}

enum schema_match schema_pattern_match(struct schema_scratch *s, const struct schema_pattern *p,
                                       struct slice text)
{
    if (!s->context || !s->data) {
        return SCHEMA_MATCH_TOO_HARD;
    }
    int rc = pcre2_match(p->code, (PCRE2_SPTR)text.p, text.n, 0, 0, s->data, s->context);
    if (rc >= 0) {
        return SCHEMA_MATCH_YES;
    }
    return rc == PCRE2_ERROR_NOMATCH ? SCHEMA_MATCH_NO : SCHEMA_MATCH_TOO_HARD;
}
