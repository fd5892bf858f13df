/* crlf.c - the guard that walks over header lines before anybody parses them. */
#include "wire/crlf.h"

/* One byte outside of the quick path below. */
static enum crlf_end crlf_step(struct crlf *c, char ch)
{
    switch (c->state) {
    case CRLF_AT_START:
        if (ch == '\n' || ch == '\0' || ch == ' ' || ch == '\t') {
            return CRLF_BAD;
        }
        c->state = ch == '\r' ? CRLF_BLANK_CR : CRLF_IN_LINE;
        return CRLF_MORE;
    case CRLF_IN_LINE:
        if (ch == '\n' || ch == '\0') {
            return CRLF_BAD;
        }
        c->state = ch == '\r' ? CRLF_LINE_CR : CRLF_IN_LINE;
        return CRLF_MORE;
    default:
        if (ch != '\n') {
            return CRLF_BAD;
        }
        enum crlf_end end = c->state == CRLF_LINE_CR ? CRLF_LINE : CRLF_BLANK;
        c->state = CRLF_AT_START;
        return end;
    }
}

enum crlf_end crlf_scan(struct crlf *c, struct slice bytes, size_t *ret_used)
{
    enum crlf_end end = CRLF_MORE;
    size_t i = 0;

    while (end == CRLF_MORE && i < bytes.n) {
        /* Nearly all bytes are of this kind; the loop is what keeps the guard free of cost. */
        while (c->state == CRLF_IN_LINE && i < bytes.n && (unsigned char)bytes.p[i] > '\r') {
            i++;
        }
        if (i < bytes.n) {
            end = crlf_step(c, bytes.p[i]);
            i += end != CRLF_BAD;
        }
    }
    *ret_used = i;
    return end;
}
