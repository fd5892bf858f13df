/* template.c - texts with {names} in them. */
#include "core/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/percent.h"

#define PIECES_MAX 64

enum filter { FILTER_NONE, FILTER_PATH };

/* A literal, or a variable when name is set. */
struct piece {
    char *literal;
    char *name;
    enum filter filter;
};

struct template
{
    char *text;
    struct piece *pieces;
    size_t count;
};

void template_free(struct template **t)
{
    if (!*t) {
        return;
    }
    for (size_t i = 0; i < (*t)->count; i++) {
        free((*t)->pieces[i].literal);
        free((*t)->pieces[i].name);
    }
    free((*t)->pieces);
    free((*t)->text);
    free(*t);
    *t = NULL;
}

const char *template_name(const struct template *t, size_t i)
{
    for (size_t k = 0; k < t->count; k++) {
        if (t->pieces[k].name && i-- == 0) {
            return t->pieces[k].name;
        }
    }
    return NULL;
}

const char *template_text(const struct template *t)
{
    return t->text;
}

/* A part of the secret has a dot in its name. */
static bool name_valid(struct slice name)
{
    size_t skip = slice_starts(name, "secret.") ? 7 : 0;

    for (size_t i = skip; i < name.n; i++) {
        if (name.p[i] != '_' && !isalnum((unsigned char)name.p[i])) {
            return false;
        }
    }
    return name.n > skip;
}

/* Reads "name" or "name|filter" between braces. */
static enum fault parse_variable(struct slice inside, struct piece *piece, struct note *note)
{
    struct slice rest = inside, name;

    slice_cut(&rest, '|', &name);
    if (!name_valid(name)) {
        return note_set(note, FAULT_BAD_VALUE,
                        "{%.*s} is no variable: write {name}, with letters, digits and _; for a brace itself "
                        "write {{ or }}",
                        (int)inside.n, inside.p);
    }
    if (rest.p && !slice_is(rest, "path")) {
        return note_set(note, FAULT_BAD_VALUE, "{%.*s}: the only filter is |path", (int)inside.n, inside.p);
    }
    piece->name = mem_textn(name.p, name.n);
    piece->filter = rest.p ? FILTER_PATH : FILTER_NONE;
    return FAULT_OK;
}

/* Takes literal text up to the next variable, with {{ and }} made single. */
static enum fault parse_literal(const char **at, struct piece *piece, struct note *note)
{
    char *out = mem_new(strlen(*at) + 1);
    size_t n = 0;

    piece->literal = out;
    while (**at) {
        bool brace = **at == '{' || **at == '}';
        if (brace && (*at)[1] == **at) {
            (*at)++;
        } else if (**at == '{') {
            break;
        } else if (brace) {
            return note_set(note, FAULT_BAD_VALUE, "a } without {: for a brace itself write }}");
        }
        out[n++] = *(*at)++;
    }
    return FAULT_OK;
}

static enum fault parse_piece(const char **at, struct piece *piece, struct note *note)
{
    if ((*at)[0] != '{' || (*at)[1] == '{') {
        return parse_literal(at, piece, note);
    }
    const char *end = strchr(*at, '}');
    if (!end) {
        return note_set(note, FAULT_BAD_VALUE, "a { without }: for a brace itself write {{");
    }
    struct slice inside = {*at + 1, (size_t)(end - *at) - 1};
    *at = end + 1;
    return parse_variable(inside, piece, note);
}

enum fault template_parse(const char *text, struct template **ret_template, struct note *note)
{
    struct template *t = mem_new(sizeof(*t));
    const char *at = text;
    enum fault fault = FAULT_OK;

    t->text = mem_text(text);
    while (*at && !fault) {
        if (t->count == PIECES_MAX) {
            fault = note_set(note, FAULT_BAD_VALUE, "the template has more than %d parts", PIECES_MAX);
        } else {
            t->pieces = mem_grow(t->pieces, (t->count + 1) * sizeof(*t->pieces));
            t->pieces[t->count] = (struct piece){0};
            fault = parse_piece(&at, &t->pieces[t->count++], note);
        }
    }
    if (fault) {
        template_free(&t);
    }
    *ret_template = t;
    return fault;
}

/* "." and ".." survive percent-encoding and would climb out of the path. */
static bool has_dot_segment(const char *value)
{
    struct slice rest = slice_of(value), segment;

    while (slice_cut(&rest, '/', &segment)) {
        if (slice_is(segment, ".") || slice_is(segment, "..")) {
            return true;
        }
    }
    return false;
}

/* What may stand in a URL: no spaces, no control chars, nothing beyond ASCII. */
static bool url_chars(const char *value)
{
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if (c <= 0x20 || c >= 0x7f || strchr("\"<>\\^`{|}", c)) {
            return false;
        }
    }
    return true;
}

static enum fault put_url(const struct piece *piece, const char *value, bool first, struct buf *out,
                          struct note *note)
{
    if (first) {
        if (!url_chars(value)) {
            note_field(note, piece->name);
            return note_set(note, FAULT_BAD_VALUE, "{%s} holds what is not a URL", piece->name);
        }
        buf_text(out, value);
        return FAULT_OK;
    }
    if (has_dot_segment(value)) {
        note_field(note, piece->name);
        return note_set(note, FAULT_BAD_VALUE, "{%s} holds a dot segment, which would change the path",
                        piece->name);
    }
    percent_write(out, value, piece->filter == FILTER_PATH);
    return FAULT_OK;
}

static enum fault missing(const char *name, struct note *note)
{
    note_field(note, name);
    return note_set(note, FAULT_BAD_VALUE, "{%s} has no value here", name);
}

enum fault template_url(const struct template *t, template_find_fn *find, void *arg, struct buf *out,
                        struct note *note)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct piece *piece = &t->pieces[i];
        if (!piece->name) {
            buf_text(out, piece->literal);
            continue;
        }
        const char *value = find(arg, piece->name);
        if (!value || !*value) {
            return missing(piece->name, note);
        }
        enum fault fault = put_url(piece, value, i == 0, out, note);
        if (fault) {
            return fault;
        }
    }
    if (!buf_ok(out) || out->n > LIMIT_URL_BYTES) {
        return note_set(note, FAULT_BAD_VALUE, "the URL is longer than %u bytes", LIMIT_URL_BYTES);
    }
    return FAULT_OK;
}

static bool header_chars(const char *value)
{
    for (; *value; value++) {
        unsigned char c = (unsigned char)*value;
        if ((c < 0x20 && c != '\t') || c == 0x7f) {
            return false;
        }
    }
    return true;
}

enum fault template_header(const struct template *t, template_find_fn *find, void *arg, struct buf *out,
                           struct note *note)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct piece *piece = &t->pieces[i];
        const char *value = piece->name ? find(arg, piece->name) : piece->literal;
        if (!value) {
            return missing(piece->name, note);
        }
        if (!header_chars(value)) {
            note_field(note, piece->name);
            return note_set(note, FAULT_BAD_VALUE, "{%s} holds a control char, which a header cannot",
                            piece->name ? piece->name : "");
        }
        buf_text(out, value);
    }
    return buf_ok(out) ? FAULT_OK : note_set(note, FAULT_BAD_VALUE, "the header is too long");
}

enum fault template_fill(const struct template *t, template_find_fn *find, void *arg, struct buf *out,
                         struct note *note)
{
    for (size_t i = 0; i < t->count; i++) {
        const struct piece *piece = &t->pieces[i];
        const char *value = piece->name ? find(arg, piece->name) : piece->literal;
        if (!value) {
            return missing(piece->name, note);
        }
        buf_text(out, value);
    }
    return buf_ok(out) ? FAULT_OK : note_set(note, FAULT_BAD_VALUE, "the text is too long");
}
