/* yaml_scalar.c - what a YAML scalar means. */
#include "wire/yaml_internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define DIGITS "0123456789"

/* Longer than any number worth writing: what is longer is text. */
#define NUMBER_CHARS 64

static bool is_one_of(const char *text, const char *a, const char *b, const char *c)
{
    return !strcmp(text, a) || !strcmp(text, b) || !strcmp(text, c);
}

/* text is prefix and then one or more of digits. */
static bool is_based(const char *text, const char *prefix, const char *digits)
{
    size_t skip = strlen(prefix);

    return !strncmp(text, prefix, skip) && text[skip] && text[skip + strspn(text + skip, digits)] == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_number(const char *text)
{
    const char *p = text + (*text == '-' || *text == '+');
    size_t whole = strspn(p, DIGITS);

    p += whole;
    if (*p == '.') {
        size_t part = strspn(++p, DIGITS);
        if (!whole && !part) {
            return false;
        }
        p += part;
    } else if (!whole) {
        return false;
    }
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '-' || p[1] == '+');
        size_t power = strspn(p, DIGITS);
        return power && p[power] == '\0';
    }
    return *p == '\0';
}

static json_t *integer(const char *text, int base, const char **ret_why)
{
    errno = 0;
    long long n = strtoll(text, NULL, base);

    if (errno) {
        *ret_why = "this integer is too large; put it in quotes";
        return NULL;
    }
    return json_integer(n);
}

static json_t *real(const char *text, const char **ret_why)
{
    double n = strtod(text, NULL);

    if (!isfinite(n)) {
        *ret_why = "this number is too large; put it in quotes";
        return NULL;
    }
    return json_real(n);
}

static bool is_not_finite(const char *text)
{
    const char *p = text + (*text == '-' || *text == '+');

    return is_one_of(p, ".inf", ".Inf", ".INF") || is_one_of(text, ".nan", ".NaN", ".NAN");
}

/* The number that text is; NULL with *ret_why still NULL when it is none. */
static json_t *number(const char *text, const char **ret_why)
{
    if (is_based(text, "0o", "01234567")) {
        return integer(text + 2, 8, ret_why);
    }
    if (is_based(text, "0x", DIGITS "abcdefABCDEF")) {
        return integer(text + 2, 16, ret_why);
    }
    if (is_based(text + (*text == '-' || *text == '+'), "", DIGITS)) {
        return integer(text, 10, ret_why);
    }
    if (is_number(text)) {
        return real(text, ret_why);
    }
    if (is_not_finite(text)) {
        *ret_why = "infinity and not-a-number cannot be used";
    }
    return NULL;
}

json_t *yaml_scalar_text(struct slice text, const char **ret_why)
{
    if (text.n && memchr(text.p, '\0', text.n)) {
        *ret_why = "text may not hold a NUL character";
        return NULL;
    }
    json_t *value = json_stringn(text.p, text.n);
    if (!value) {
        *ret_why = "this is not UTF-8 text";
    }
    return value;
}

json_t *yaml_scalar_plain(struct slice text, const char **ret_why)
{
    char word[NUMBER_CHARS + 1] = "";

    if (text.n > NUMBER_CHARS) {
        return yaml_scalar_text(text, ret_why);
    }
    if (text.n) {
        memcpy(word, text.p, text.n);
    }
    if (!*word || !strcmp(word, "~") || is_one_of(word, "null", "Null", "NULL")) {
        return json_null();
    }
    if (is_one_of(word, "true", "True", "TRUE")) {
        return json_true();
    }
    if (is_one_of(word, "false", "False", "FALSE")) {
        return json_false();
    }
    json_t *value = number(word, ret_why);
    return value || *ret_why ? value : yaml_scalar_text(text, ret_why);
}
