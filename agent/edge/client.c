/* client.c - libcurl's easy interface over a Unix socket. */
#include "edge/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define CONNECT_MS 3000

struct client {
    char *path;
    CURL *curl;
    char error[CURL_ERROR_SIZE];
};

/* One exchange. */
struct exchange {
    const struct client_request *request;
    struct client_answer *answer;
    CURL *curl;
    bool cancelled;
    bool unreadable; /* the file that should be sent */
};

struct client *client_new(const char *path)
{
    struct client *c = mem_new(sizeof(*c));

    curl_global_init(CURL_GLOBAL_DEFAULT);
    c->path = mem_text(path);
    c->curl = curl_easy_init();
    return c;
}

void client_free(struct client **pc)
{
    struct client *c = *pc;

    if (!c) {
        return;
    }
    curl_easy_cleanup(c->curl);
    curl_global_cleanup();
    free(c->path);
    free(c);
    *pc = NULL;
}

void client_answer_done(struct client_answer *answer)
{
    buf_done(&answer->body);
}

char *client_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *own = mem_text(escaped ? escaped : "");

    curl_free(escaped);
    return own;
}

/* ---- what libcurl calls ---- */

static size_t on_data(char *p, size_t size, size_t n, void *arg)
{
    struct exchange *x = arg;
    struct slice bytes = {p, size * n};
    long status = 0;

    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    if (x->request->data && status >= 200 && status < 300) {
        x->cancelled = !x->request->data(x->request->arg, bytes);
        return x->cancelled ? 0 : bytes.n;
    }
    buf_add(&x->answer->body, bytes.p, bytes.n);
    return buf_ok(&x->answer->body) ? bytes.n : 0;
}

static size_t on_want(char *p, size_t size, size_t n, void *arg)
{
    struct exchange *x = arg;
    size_t got = fread(p, 1, size * n, x->request->file);

    x->unreadable = !got && ferror(x->request->file);
    return x->unreadable ? CURL_READFUNC_ABORT : got;
}

static int on_tick(void *arg, curl_off_t down, curl_off_t down_now, curl_off_t up, curl_off_t up_now)
{
    struct exchange *x = arg;

    (void)down;
    (void)down_now;
    (void)up;
    (void)up_now;
    if (x->request->tick && !x->request->tick(x->request->arg)) {
        x->cancelled = true;
    }
    return x->cancelled;
}

/* ---- one exchange ---- */

static struct curl_slist *make_headers(const struct client_request *r)
{
    /* Without "Expect:" libcurl would wait for a 100 before it sends a large body. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");

    for (const char *const *h = r->headers; h && *h; h++) {
        list = curl_slist_append(list, *h);
    }
    /* An empty "Content-Type:" keeps libcurl from naming one of its own for a POST without a body. */
    AUTO(auto_free) char *type = mem_printf("Content-Type:%s%s", r->type ? " " : "", r->type ? r->type : "");
    return curl_slist_append(list, type);
}

/* The size of what is left of a file, or -1 when it is a pipe or the like. */
static curl_off_t file_left(FILE *file)
{
    off_t at = ftello(file);

    if (at < 0 || fseeko(file, 0, SEEK_END)) {
        return -1;
    }
    off_t end = ftello(file);
    return end >= at && !fseeko(file, at, SEEK_SET) ? (curl_off_t)(end - at) : -1;
}

static void set_body(CURL *curl, struct exchange *x)
{
    const struct client_request *r = x->request;

    if (r->file) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, file_left(r->file));
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_want);
        curl_easy_setopt(curl, CURLOPT_READDATA, x);
    } else if (r->type || !strcmp(r->method, "POST")) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body.n ? r->body.p : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_up(struct client *c, struct exchange *x, const char *url, struct curl_slist *headers)
{
    CURL *curl = c->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, c->path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*"); /* whatever http_proxy says, this goes to a file */
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)x->request->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, c->error);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_tick);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, x);
    set_body(curl, x);
}

static void read_head(struct client *c, struct client_answer *answer)
{
    long status = 0;
    curl_off_t later = 0;
    const char *type = NULL;

    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(c->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(c->curl, CURLINFO_RETRY_AFTER, &later);
    answer->status = (int)status;
    answer->later_ms = later > 0 ? (int64_t)later * 1000 : -1;
    snprintf(answer->type, sizeof(answer->type), "%s", type ? type : "");
}

/* Why nobody answers: the socket's own error number says more than libcurl's text. */
static enum fault tell_unreachable(struct client *c, CURLcode code, struct note *note)
{
    long error = 0;

    curl_easy_getinfo(c->curl, CURLINFO_OS_ERRNO, &error);
    return note_set(note, FAULT_NOT_FOUND, "no agent answers at %s: %s", c->path,
                    code == CURLE_COULDNT_CONNECT && error ? strerror((int)error)
                    : c->error[0]                          ? c->error
                                                           : curl_easy_strerror(code));
}

static enum fault judge(struct client *c, const struct exchange *x, CURLcode code, struct note *note)
{
    /* A body that is refused halfway: the answer is there although the sending failed. */
    if (code == CURLE_OK || (code == CURLE_SEND_ERROR && x->answer->status >= 400)) {
        return FAULT_OK;
    }
    if (x->cancelled) {
        return note_set(note, FAULT_CANCELLED, "stopped");
    }
    if (x->unreadable) {
        return note_set(note, FAULT_IO, "the file cannot be read: %s", strerror(errno));
    }
    if (!buf_ok(&x->answer->body)) {
        return note_set(note, FAULT_TOO_LARGE, "the answer is larger than %u bytes", CLIENT_BODY_BYTES);
    }
    bool silent = code == CURLE_OPERATION_TIMEDOUT && !x->answer->status;
    if (code == CURLE_COULDNT_CONNECT || silent || code == CURLE_COULDNT_RESOLVE_HOST) {
        return tell_unreachable(c, code, note);
    }
    return note_set(note, FAULT_IO, "the connection to %s broke off: %s", c->path,
                    c->error[0] ? c->error : curl_easy_strerror(code));
}

enum fault client_do(struct client *c, const struct client_request *request, struct client_answer *ret_answer,
                     struct note *note)
{
    struct exchange x = {.request = request, .answer = ret_answer, .curl = c->curl};
    AUTO(auto_free) char *url = mem_printf("http://sluice%s", request->path);
    struct curl_slist *headers = make_headers(request);

    *ret_answer = (struct client_answer){.later_ms = -1};
    buf_init(&ret_answer->body, CLIENT_BODY_BYTES);
    c->error[0] = '\0';
    set_up(c, &x, url, headers);
    CURLcode code = curl_easy_perform(c->curl);
    read_head(c, ret_answer);
    enum fault fault = judge(c, &x, code, note);
    curl_slist_free_all(headers);
    return fault;
}
