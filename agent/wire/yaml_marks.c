/* yaml_marks.c - where each value of a YAML document stands. */
#include "wire/yaml_internal.h"

#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"

/* A tree and not a table of pointers: the pointers of a deep document are far longer than the document. */
struct mark {
    char *key; /* NULL: an item of a list */
    uint32_t line;
    uint32_t column;
    uint32_t first; /* child; 0: none, as the root is nobody's child */
    uint32_t last;
    uint32_t next; /* sibling */
};

struct yaml_marks {
    struct mark *all; /* the root is 0 */
    size_t n;
    size_t cap;
};

struct yaml_marks *yaml_marks_new(void)
{
    return mem_new(sizeof(struct yaml_marks));
}

void yaml_marks_free(struct yaml_marks **pm)
{
    struct yaml_marks *m = *pm;

    if (!m) {
        return;
    }
    for (size_t i = 0; i < m->n; i++) {
        free(m->all[i].key);
    }
    free(m->all);
    free(m);
    *pm = NULL;
}

size_t yaml_marks_add(struct yaml_marks *m, size_t parent, const char *key, size_t line, size_t column)
{
    if (!m) {
        return 0;
    }
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 64;
        m->all = mem_grow(m->all, m->cap * sizeof(*m->all));
    }
    size_t at = m->n++;
    m->all[at] = (struct mark){mem_text(key), (uint32_t)line, (uint32_t)column, 0, 0, 0};
    if (at > 0) {
        struct mark *up = &m->all[parent];
        if (up->last) {
            m->all[up->last].next = (uint32_t)at;
        } else {
            up->first = (uint32_t)at;
        }
        up->last = (uint32_t)at;
    }
    return at;
}

/* token, as written in a JSON pointer (RFC 6901), is key. */
static bool token_is(struct slice token, const char *key)
{
    size_t i = 0;

    for (; i < token.n && *key; i++, key++) {
        char c = token.p[i];
        if (c == '~' && i + 1 < token.n) {
            c = token.p[++i] == '1' ? '/' : '~';
        }
        if (c != *key) {
            return false;
        }
    }
    return i == token.n && !*key;
}

/* The list index that token is, or SIZE_MAX. */
static size_t token_index(struct slice token)
{
    size_t index = 0;

    if (!token.n || token.n > 9) {
        return SIZE_MAX;
    }
    for (size_t i = 0; i < token.n; i++) {
        if (token.p[i] < '0' || token.p[i] > '9') {
            return SIZE_MAX;
        }
        index = index * 10 + (size_t)(token.p[i] - '0');
    }
    return index;
}

/* The child of up that token names, or 0. */
static uint32_t child(const struct yaml_marks *m, const struct mark *up, struct slice token)
{
    size_t index = token_index(token);
    size_t i = 0;

    for (uint32_t at = up->first; at; at = m->all[at].next, i++) {
        const char *key = m->all[at].key;
        if (key ? token_is(token, key) : i == index) {
            return at;
        }
    }
    return 0;
}

bool yaml_mark(const struct yaml_marks *m, const char *pointer, int *ret_line, int *ret_column)
{
    uint32_t at = 0;
    bool exact = m->n > 0;
    struct slice rest = slice_of(*pointer ? pointer + 1 : NULL);
    struct slice token;

    while (m->n && slice_cut(&rest, '/', &token)) {
        uint32_t down = child(m, &m->all[at], token);
        if (!down) {
            exact = false;
            break;
        }
        at = down;
    }
    *ret_line = m->n ? (int)m->all[at].line : 1;
    *ret_column = m->n ? (int)m->all[at].column : 1;
    return exact;
}
