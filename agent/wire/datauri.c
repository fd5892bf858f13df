/* datauri.c - data URIs that carry base64 (RFC 2397). */
#include "wire/datauri.h"

/* A restricted name of RFC 6838 section 4.2, which is what media types are made of. None of its chars needs
 * an escape in JSON. */
static bool datauri_name(struct slice s)
{
    static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$&-^_.+";

    for (size_t i = 0; i < s.n; i++) {
        if (!memchr(chars, s.p[i], sizeof(chars) - 1)) {
            return false;
        }
    }
    return s.n > 0;
}

static bool datauri_type(struct slice type)
{
    struct slice rest = type, name;

    if (type.n > DATAURI_TYPE_CHARS || !slice_cut(&rest, '/', &name)) {
        return false;
    }
    return rest.p && datauri_name(name) && datauri_name(rest);
}

bool datauri_read(struct slice text, struct slice *ret_type, struct slice *ret_data)
{
    static const char scheme[] = "data:", coding[] = ";base64";
    const size_t scheme_n = sizeof(scheme) - 1, coding_n = sizeof(coding) - 1;

    if (text.n < scheme_n || strncasecmp(text.p, scheme, scheme_n) != 0) {
        return false;
    }
    struct slice rest = {text.p + scheme_n, text.n - scheme_n}, head, type;
    if (!slice_cut(&rest, ',', &head) || !rest.p || head.n < coding_n) {
        return false;
    }
    head.n -= coding_n;
    if (strncasecmp(head.p + head.n, coding, coding_n) != 0) {
        return false;
    }
    slice_cut(&head, ';', &type);
    if (type.n > 0 && !datauri_type(type)) {
        return false;
    }
    *ret_type = type;
    *ret_data = rest;
    return true;
}
