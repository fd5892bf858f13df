/* http_write.c - HTTP/1.1 answer heads and chunks to bytes. */
#include <inttypes.h>
#include <stdio.h>

#include "wire/http.h"

static const struct reason {
    int status;
    const char *text;
} reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "Unknown";
}

/* Text that came from elsewhere must not be able to end its line. */
static void write_line_part(struct buf *out, struct slice text)
{
    size_t from = 0;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '\r' || text.p[i] == '\n' || text.p[i] == '\0') {
            buf_add(out, text.p + from, i - from);
            buf_char(out, ' ');
            from = i + 1;
        }
    }
    buf_add(out, text.p + from, text.n - from);
}

void http_write_head(struct buf *out, int status, const struct http_field *fields, size_t n, int64_t length,
                     bool keep_alive)
{
    /* One snprintf on the stack costs half of buf_printf, which has to measure first. */
    char line[64];

    buf_add(out, line, (size_t)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status));
    buf_text(out, http_status_text(status));
    buf_text(out, "\r\n");
    for (size_t i = 0; i < n; i++) {
        write_line_part(out, fields[i].name);
        buf_text(out, ": ");
        write_line_part(out, fields[i].value);
        buf_text(out, "\r\n");
    }
    if (length >= 0) {
        buf_add(out, line, (size_t)snprintf(line, sizeof(line), "Content-Length: %" PRId64 "\r\n", length));
    } else if (length == -1) {
        buf_text(out, "Transfer-Encoding: chunked\r\n");
    }
    buf_text(out, keep_alive ? "\r\n" : "Connection: close\r\n\r\n");
}

void http_write_chunk(struct buf *out, struct slice bytes)
{
    if (!bytes.n) {
        buf_text(out, "0\r\n\r\n");
        return;
    }
    buf_printf(out, "%zx\r\n", bytes.n);
    buf_add(out, bytes.p, bytes.n);
    buf_text(out, "\r\n");
}
