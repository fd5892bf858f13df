/* multipart.c - multipart/form-data (RFC 7578) from a stream, and the pieces for writing it. */
#include "wire/multipart.h"

#include <stdlib.h>

#include "base/mem.h"
#include "wire/crlf.h"
#include "wire/field.h"

#define BOUNDARY_CHARS 70 /* RFC 2046 section 5.1.1 */

enum phase {
    PHASE_PREAMBLE, /* before the first boundary; thrown away */
    PHASE_BOUNDARY, /* behind a delimiter, until its line ends */
    PHASE_HEAD,
    PHASE_DATA,
    PHASE_EPILOGUE /* behind the closing boundary; thrown away */
};

struct multipart {
    struct multipart_limits limits;
    const struct multipart_events *events;
    void *arg;
    enum phase phase;
    enum fault fault; /* the parser has stopped */
    struct note *note;
    size_t parts;

    /* A delimiter may be cut anywhere by the end of the bytes fed. What was held back is then a prefix of it,
     * so its length is all there is to remember. */
    char delimiter[4 + BOUNDARY_CHARS + 1]; /* CRLF, "--", boundary */
    size_t delimiter_chars;
    size_t matched; /* so many chars of it came */
    size_t assumed; /* of which the first so many are no data: the CRLF of the line before */

    enum { BEHIND_NOTHING, BEHIND_DASH, BEHIND_SPACE, BEHIND_CR } behind; /* what came behind a boundary */
    struct crlf guard;
    struct buf head;
    char *names; /* room for name and filename with the quotes taken off */
};

static enum fault multipart_bad(struct multipart *m, const char *why)
{
    return note_set(m->note, FAULT_BAD_REQUEST, "the multipart body is not valid: %s", why);
}

static bool is_boundary(struct slice s)
{
    static const char others[] = "'()+_,-./:=? ";

    if (s.n < 1 || s.n > BOUNDARY_CHARS || s.p[s.n - 1] == ' ') {
        return false;
    }
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && !strchr(others, c)) {
            return false;
        }
    }
    return true;
}

/* From here on the delimiter is looked for; the CRLF before it may be the one that just came. */
static void multipart_seek(struct multipart *m, enum phase phase)
{
    m->phase = phase;
    m->matched = 2;
    m->assumed = 2;
}

struct multipart *multipart_new(const char *boundary, const struct multipart_limits *limits,
                                const struct multipart_events *events, void *arg)
{
    struct slice name = slice_of(boundary);

    if (!is_boundary(name)) {
        return NULL;
    }
    struct multipart *m = mem_new(sizeof(*m));
    m->limits = *limits;
    m->events = events;
    m->arg = arg;
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, name.p, name.n);
    m->delimiter_chars = 4 + name.n;
    buf_init(&m->head, limits->part_header_bytes);
    m->names = mem_new(limits->part_header_bytes + 2);
    multipart_seek(m, PHASE_PREAMBLE);
    return m;
}

void multipart_free(struct multipart **m)
{
    if (*m) {
        buf_done(&(*m)->head);
        free((*m)->names);
        free(*m);
        *m = NULL;
    }
}

/* ---- a part's head ---- */

/* What the head of a part says, before it is told. */
struct part {
    struct slice disposition;
    struct slice type;
};

static enum fault part_take_field(struct multipart *m, struct part *part, struct slice line)
{
    struct slice name, value = line;

    if (!slice_cut(&value, ':', &name) || !value.p || !field_token(name)) {
        return multipart_bad(m, "a header line of a part has no name");
    }
    value = slice_trim(value);
    if (slice_is_nocase(name, "content-disposition")) {
        if (part->disposition.p) {
            return multipart_bad(m, "a part has two Content-Disposition");
        }
        part->disposition = value;
    } else if (slice_is_nocase(name, "content-type")) {
        part->type = value;
    } else if (slice_is_nocase(name, "content-transfer-encoding")) {
        /* RFC 7578 section 4.7 does away with it; only the encodings that change nothing can be let through.
         */
        if (!slice_is_nocase(value, "binary") && !slice_is_nocase(value, "8bit") &&
            !slice_is_nocase(value, "7bit")) {
            return multipart_bad(m, "a part has a Content-Transfer-Encoding");
        }
    }
    return FAULT_OK;
}

static enum fault multipart_tell_head(struct multipart *m)
{
    struct slice rest = buf_slice(&m->head), line, kind;
    struct part part = {{NULL, 0}, {NULL, 0}};

    /* The guard saw to it that lines end in CRLF; the last one is empty. */
    while (slice_cut(&rest, '\n', &line) && line.n > 1) {
        enum fault fault = part_take_field(m, &part, (struct slice){line.p, line.n - 1});
        if (fault) {
            return fault;
        }
    }
    struct slice params = part.disposition;
    if (!slice_cut(&params, ';', &kind) || !slice_is_nocase(slice_trim(kind), "form-data")) {
        return multipart_bad(m, "a part has no Content-Disposition: form-data");
    }
    size_t room = m->limits.part_header_bytes + 2;
    if (!field_param(params, "name", m->names, room)) {
        return multipart_bad(m, "a part has no name");
    }
    struct multipart_head head = {.name = slice_of(m->names), .type = part.type};
    char *filename = m->names + head.name.n + 1;
    if (field_param(params, "filename", filename, room - head.name.n - 1)) {
        head.filename = slice_of(filename);
    }
    multipart_seek(m, PHASE_DATA);
    return m->events->begin(m->arg, &head);
}

/* Takes bytes up to the end of one line of a head. */
static enum fault multipart_take_head(struct multipart *m, struct slice bytes, size_t *ret_used)
{
    size_t room = m->limits.part_header_bytes - m->head.n;
    struct slice part = {bytes.p, bytes.n < room ? bytes.n : room};
    enum crlf_end end = crlf_scan(&m->guard, part, &part.n);

    *ret_used = part.n;
    buf_add(&m->head, part.p, part.n);
    switch (end) {
    case CRLF_BAD:
        return multipart_bad(m, "a stray CR, LF, NUL or white space in a part's headers");
    case CRLF_MORE:
        return part.n == bytes.n
                   ? FAULT_OK
                   : note_set(m->note, FAULT_HEADERS_TOO_LARGE, "a part's headers are longer than %zu bytes",
                              m->limits.part_header_bytes);
    case CRLF_BLANK:
        return multipart_tell_head(m);
    default:
        return FAULT_OK;
    }
}

/* ---- boundaries and data ---- */

/* Takes the one byte behind a delimiter: "--" closes, else white space and CRLF end its line. */
static enum fault multipart_take_boundary(struct multipart *m, char c)
{
    if (m->behind == BEHIND_DASH && c == '-') {
        m->phase = PHASE_EPILOGUE;
    } else if (m->behind == BEHIND_NOTHING && c == '-') {
        m->behind = BEHIND_DASH;
    } else if (m->behind == BEHIND_CR && c == '\n') {
        if (m->parts++ == m->limits.parts) {
            return note_set(m->note, FAULT_TOO_MANY_PARTS, "the multipart body has more than %zu parts",
                            m->limits.parts);
        }
        m->phase = PHASE_HEAD;
        m->guard = (struct crlf){0};
        buf_reset(&m->head);
    } else if (m->behind != BEHIND_NOTHING && m->behind != BEHIND_SPACE) {
        return multipart_bad(m, "a boundary line does not end");
    } else if (c == ' ' || c == '\t') {
        m->behind = BEHIND_SPACE;
    } else if (c == '\r') {
        m->behind = BEHIND_CR;
    } else {
        return multipart_bad(m, "a boundary is followed by something else");
    }
    return FAULT_OK;
}

static enum fault multipart_tell_data(struct multipart *m, struct slice bytes)
{
    return m->phase == PHASE_DATA && bytes.n ? m->events->data(m->arg, bytes) : FAULT_OK;
}

static enum fault multipart_end_data(struct multipart *m)
{
    bool part = m->phase == PHASE_DATA;

    m->phase = PHASE_BOUNDARY;
    m->behind = BEHIND_NOTHING;
    return part ? m->events->end(m->arg) : FAULT_OK;
}

/* Goes on with a delimiter that earlier bytes began. When it turns out to be none, nothing is taken and what
 * was held back goes out as data. */
static enum fault multipart_go_on(struct multipart *m, struct slice bytes, size_t *ret_used)
{
    size_t held = m->matched, i = 0;

    while (i < bytes.n && m->matched < m->delimiter_chars && bytes.p[i] == m->delimiter[m->matched]) {
        m->matched++;
        i++;
    }
    if (m->matched == m->delimiter_chars || i == bytes.n) {
        *ret_used = i;
        return m->matched == m->delimiter_chars ? multipart_end_data(m) : FAULT_OK;
    }
    struct slice data = {m->delimiter + m->assumed, held - m->assumed};
    m->matched = m->assumed = 0;
    return multipart_tell_data(m, data);
}

/* Takes data up to the end of the next delimiter, or of the bytes. A CR stands only at its front, so a search
 * for CR finds every place where it can begin. */
static enum fault multipart_take_data(struct multipart *m, struct slice bytes, size_t *ret_used)
{
    size_t from = 0, n = 0;

    for (;; from++) {
        const char *cr = from < bytes.n ? memchr(bytes.p + from, '\r', bytes.n - from) : NULL;
        if (!cr) {
            from = bytes.n;
            break;
        }
        from = (size_t)(cr - bytes.p);
        n = bytes.n - from < m->delimiter_chars ? bytes.n - from : m->delimiter_chars;
        if (!memcmp(cr, m->delimiter, n)) {
            m->matched = n;
            break;
        }
    }
    enum fault fault = multipart_tell_data(m, (struct slice){bytes.p, from});
    *ret_used = from + m->matched;
    return !fault && m->matched == m->delimiter_chars ? multipart_end_data(m) : fault;
}

/* ---- the parser ---- */

static enum fault multipart_step(struct multipart *m, struct slice bytes, size_t *ret_used)
{
    switch (m->phase) {
    case PHASE_PREAMBLE:
    case PHASE_DATA:
        return m->matched ? multipart_go_on(m, bytes, ret_used) : multipart_take_data(m, bytes, ret_used);
    case PHASE_BOUNDARY:
        *ret_used = 1;
        return multipart_take_boundary(m, bytes.p[0]);
    case PHASE_HEAD:
        return multipart_take_head(m, bytes, ret_used);
    default:
        *ret_used = bytes.n;
        return FAULT_OK;
    }
}

enum fault multipart_feed(struct multipart *m, struct slice bytes, struct note *note)
{
    m->note = note;
    while (!m->fault && bytes.n) {
        size_t used = 0;
        m->fault = multipart_step(m, bytes, &used);
        bytes = (struct slice){bytes.p + used, bytes.n - used};
    }
    m->note = NULL;
    return m->fault;
}

enum fault multipart_end(struct multipart *m, struct note *note)
{
    if (!m->fault && m->phase != PHASE_EPILOGUE) {
        m->note = note;
        m->fault = multipart_bad(m, "its closing boundary is missing");
        m->note = NULL;
    }
    return m->fault;
}

/* ---- writing ---- */

/* Names as browsers write them (WHATWG HTML, multipart/form-data encoding algorithm). */
static void write_name(struct buf *out, const char *name)
{
    buf_char(out, '"');
    for (const char *from = name;; name++) {
        if (*name && *name != '"' && *name != '\r' && *name != '\n') {
            continue;
        }
        buf_add(out, from, (size_t)(name - from));
        if (!*name) {
            break;
        }
        buf_text(out, *name == '"' ? "%22" : *name == '\r' ? "%0D" : "%0A");
        from = name + 1;
    }
    buf_char(out, '"');
}

void multipart_write_head(struct buf *out, const char *boundary, bool first, const char *name,
                          const char *filename, const char *type)
{
    buf_text(out, first ? "--" : "\r\n--");
    buf_text(out, boundary);
    buf_text(out, "\r\nContent-Disposition: form-data; name=");
    write_name(out, name);
    if (filename) {
        buf_text(out, "; filename=");
        write_name(out, filename);
    }
    if (type) {
        buf_text(out, "\r\nContent-Type: ");
        for (; *type; type++) {
            buf_char(out, *type == '\r' || *type == '\n' ? ' ' : *type);
        }
    }
    buf_text(out, "\r\n\r\n");
}

void multipart_write_close(struct buf *out, const char *boundary)
{
    buf_text(out, "\r\n--");
    buf_text(out, boundary);
    buf_text(out, "--\r\n");
}
