/* banned.c - what an adapter's jq may not say. */
#include "core/banned.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 64

static const struct word {
    const char *name;
    const char *advice;
} words[] = {
    {"env", "expressions see no environment"},
    {"input", "there is one input, the dot; a field is written .input"},
    {"inputs", "there is one input, the dot"},
    {"debug", "use `sluice try` to see what an expression gives"},
    {"stderr", "use `sluice try` to see what an expression gives"},
    {"import", "expressions load no modules"},
    {"include", "expressions load no modules"},
    {"modulemeta", "expressions load no modules"},
    {"get_search_list", "expressions load no modules"},
    {"input_filename", "expressions see no files"},
    {"input_line_number", "expressions see no files"},
    {"halt", "an expression gives a value; use error(\"…\") to fail"},
    {"halt_error", "use error(\"…\") to fail"},
    {"now", "expressions see no clock"},
    {"localtime", "expressions see no clock"},
    {"strflocaltime", "expressions see no clock"},
    {"def", "expressions define no functions"},
    {"repeat", "it may never end"},
    {"while", "it may never end; use map or reduce"},
    {"until", "it may never end; use map or reduce"},
    {"range", "it may never end; use to_entries for indices"},
    {"recurse", "it may never end; name the path"},
    {"sub", "with g it loops for ever on an empty match in jq 1.6; use split(\"a\") | join(\"b\")"},
    {"gsub", "it loops for ever on an empty match in jq 1.6; use split(\"a\") | join(\"b\")"},
    {"index", "an empty text makes it loop for ever in jq 1.6; use split or test"},
    {"rindex", "an empty text makes it loop for ever in jq 1.6; use split or test"},
    {"indices", "an empty text makes it loop for ever in jq 1.6; use split or test"},
    {"leaf_paths", "it ends the process in jq 1.6; name the path"},
    {"strftime", "a time that is too far away ends the process in jq 1.6"},
    {"todate", "a time that is too far away ends the process in jq 1.6"},
    {"todateiso8601", "a time that is too far away ends the process in jq 1.6"},
    {"dateadd", "a time that is too far away ends the process in jq 1.6"},
    {"datesub", "a time that is too far away ends the process in jq 1.6"},
    {"date", "a time that is too far away ends the process in jq 1.6"},
    {"implode", "a number that is no character ends the process in jq 1.6"},
    {"setpath", "a large index ends the process in jq 1.6; build the object instead"},
};

/* The closers that are owed, innermost last; '"' is an open string, 'i' an interpolation inside one. */
struct lexer {
    const char *start;
    const char *at;
    char owed[DEPTH_MAX];
    size_t depth;
    char last; /* the last char of code that was neither space nor comment: jq 1.6 takes `$ ENV` for $ENV */
    struct note *note;
};

static enum fault push(struct lexer *l, char closer)
{
    if (l->depth == DEPTH_MAX) {
        return note_set(l->note, FAULT_BAD_VALUE, "the expression is nested deeper than %d", DEPTH_MAX);
    }
    l->owed[l->depth++] = closer;
    return FAULT_OK;
}

static char owed(const struct lexer *l)
{
    return l->depth ? l->owed[l->depth - 1] : '\0';
}

static enum fault close_bracket(struct lexer *l, char c)
{
    char want = owed(l) == 'i' ? ')' : owed(l);

    if (want != c) {
        return note_set(l->note, FAULT_BAD_VALUE, "'%c' at character %zu closes nothing that is open", c,
                        (size_t)(l->at - l->start) + 1);
    }
    l->depth--;
    l->at++;
    l->last = c;
    return FAULT_OK;
}

static size_t word_length(const char *at)
{
    size_t n = 0;

    while (at[n] == '_' || isalnum((unsigned char)at[n])) {
        n++;
    }
    return n;
}

static const struct word *find_word(const char *at, size_t n)
{
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].name) == n && !memcmp(words[i].name, at, n)) {
            return &words[i];
        }
    }
    return NULL;
}

/* A key of an object that is being built ({env: 1}); in brackets the same text is a slice with a call. */
static bool is_key(const struct lexer *l, const char *after)
{
    return owed(l) == '}' && after[strspn(after, " \t\r\n")] == ':';
}

/* A word that is neither a field (.env) nor a key nor a format (@text) is a call or a keyword. */
static enum fault check_word(struct lexer *l)
{
    size_t n = word_length(l->at);
    const char *word = l->at;
    char before = word > l->start ? word[-1] : '\0';
    bool variable = l->last == '$';

    l->at += n;
    l->last = 'a';
    if (before == '.' || before == '@') {
        return FAULT_OK;
    }
    if (variable) {
        bool outside = (n == 3 && !memcmp(word, "ENV", 3)) || (n > 2 && !memcmp(word, "__", 2));
        return outside ? note_set(l->note, FAULT_BAD_VALUE,
                                  "$%.*s is not allowed: expressions see only their input", (int)n, word)
                       : FAULT_OK;
    }
    const struct word *banned = is_key(l, l->at) ? NULL : find_word(word, n);
    return banned
               ? note_set(l->note, FAULT_BAD_VALUE, "`%s` is not allowed: %s", banned->name, banned->advice)
               : FAULT_OK;
}

/* One char or escape inside a string. */
static enum fault in_string(struct lexer *l)
{
    if (l->at[0] == '"') {
        l->depth--;
    } else if (l->at[0] == '\\' && l->at[1] == '(') {
        l->at += 2;
        return push(l, 'i');
    } else if (l->at[0] == '\\' && l->at[1]) {
        l->at++;
    }
    l->at++;
    return FAULT_OK;
}

static enum fault in_code(struct lexer *l)
{
    char c = *l->at;

    if (c == '_' || isalnum((unsigned char)c)) {
        return check_word(l);
    }
    if (isspace((unsigned char)c)) {
        l->at++;
        return FAULT_OK;
    }
    switch (c) {
    case '#':
        l->at += strcspn(l->at, "\n");
        return FAULT_OK;
    case ')':
    case ']':
    case '}':
        return close_bracket(l, c);
    case ':':
        if (l->at[1] == ':') {
            return note_set(l->note, FAULT_BAD_VALUE, "`::` is not allowed: expressions load no modules");
        }
        break;
    default:
        break;
    }
    l->at++;
    l->last = c;
    return c == '"'   ? push(l, '"')
           : c == '(' ? push(l, ')')
           : c == '[' ? push(l, ']')
           : c == '{' ? push(l, '}')
                      : FAULT_OK;
}

enum fault banned_check(const char *text, struct note *note)
{
    struct lexer l = {.start = text, .at = text, .note = note};
    enum fault fault = FAULT_OK;

    while (*l.at && !fault) {
        fault = owed(&l) == '"' ? in_string(&l) : in_code(&l);
    }
    if (fault) {
        return fault;
    }
    if (l.depth) {
        char c = owed(&l) == 'i' ? ')' : owed(&l);
        return note_set(note, FAULT_BAD_VALUE, "a '%c' is missing at the end of the expression", c);
    }
    return FAULT_OK;
}
