/* vendor_hop.c - one request to one URL as a libcurl handle: its options, its callbacks, and what its end
 * means.
 *
 * libcurl sends a request again by itself, also a POST, when the kept connection that it was written to is
 * closed before a byte of the answer came (lib/transfer.c Curl_retry_request). For a submission that can mean
 * to pay twice. The pre-request callback stands right before each try's first byte, so it is where a second
 * try of anything but GET and HEAD is refused, unless the first one surely was not received: not one byte was
 * written, or the connection was fresh, where libcurl tries again only what an HTTP/2 server said that it did
 * not process (REFUSED_STREAM, HTTP_1_1_REQUIRED). Read in 7.88.1: lib/multi.c MSTATE_DO and
 * MSTATE_PERFORMING. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/guard.h"
#include "edge/vendor_internal.h"

#define KEPT_SECONDS                                                                                         \
    50L /* an idle connection is not used after that: common load balancers close at 60 s                    \
         */
#define PINNED_SECONDS  600L /* a name stays pinned while a transfer waits for its turn */
#define REDIRECT_BYTES  (64 * KIB)
#define LONG_BODY_BYTES (16 * KIB)
#define MEDIA_BUFFER    (64 * KIB)

/* ---- callbacks ---- */

static bool hop_safe(const struct vendor_call *c)
{
    return strcmp(c->method, "GET") == 0 || strcmp(c->method, "HEAD") == 0;
}

/* With HTTP/2 a request without a body could have left whole before libcurl reports an error and counts
 * nothing. */
bool vendor_hop_wrote(const struct vendor_call *c)
{
    const struct vendor_hop *hop = &c->hop;
    long now = 0;

    if (!hop->easy || !hop->begun) {
        return false;
    }
    curl_easy_getinfo(hop->easy, CURLINFO_REQUEST_SIZE, &now);
    return now > hop->base || (c->where.https && !c->media && !c->body_bytes);
}

static int on_request(void *arg, char *remote, char *local, int remote_port, int local_port)
{
    struct vendor_call *c = arg;
    struct vendor_hop *hop = &c->hop;

    (void)remote, (void)local, (void)remote_port, (void)local_port;
    if (hop->begun && vendor_hop_wrote(c) && !hop->fresh) {
        if (!hop_safe(c)) {
            vendor_call_fail(c, FAULT_VENDOR_UNAVAILABLE, "the connection was closed before an answer came");
            return CURL_PREREQFUNC_ABORT;
        }
        c->sent = true;
    }
    if (!c->redirects && c->before_send && !c->before_send(c->arg)) {
        vendor_call_fail(c, FAULT_EXPIRED, "it was too late to send the request");
        return CURL_PREREQFUNC_ABORT;
    }
    hop->fresh = hop->opened;
    hop->opened = false;
    hop->begun = true;
    hop->place = 0;
    curl_easy_getinfo(hop->easy, CURLINFO_REQUEST_SIZE, &hop->base);
    c->moved_ms = loop_now_ms(c->vendor->loop);
    return c->stopped ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct vendor_call *c = arg;

    (void)purpose;
    if (c->guarded && !c->hop.unguarded && guard_forbids(&address->addr)) {
        c->hop.forbidden = true;
        return CURL_SOCKET_BAD;
    }
    curl_socket_t fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    c->hop.opened = c->hop.opened || fd >= 0;
    c->hop.open_error = fd < 0 ? errno : 0; /* libcurl does not tell of it */
    return fd;
}

static size_t on_read(char *out, size_t size, size_t count, void *arg)
{
    struct vendor_call *c = arg;
    long n = c->stopped ? -1 : body_read(c->body, c->hop.place, out, size * count);

    if (n < 0) {
        vendor_call_fail(c, FAULT_IO, "the request's body could not be read");
        return CURL_READFUNC_ABORT;
    }
    c->hop.place += (uint64_t)n;
    c->moved_ms = loop_now_ms(c->vendor->loop);
    return (size_t)n;
}

/* A body is sent again only where the whole request may be. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct vendor_call *c = arg;

    if (!hop_safe(c) || origin != SEEK_SET || offset < 0) {
        return CURL_SEEKFUNC_FAIL;
    }
    c->hop.place = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* A redirect that is to be followed is not shown to anybody. A body goes along only where the status says so.
 */
static void hop_redirect(struct vendor_call *c)
{
    const char *location = vendor_head_find(&c->head, "location");
    int status = c->head.status;

    if (!c->media || !location ||
        !(status == 307 || status == 308 || (hop_safe(c) && status >= 301 && status <= 303))) {
        return;
    }
    c->next = vendor_url_join(c->where.url, location);
    if (!c->next) {
        vendor_call_fail(c, FAULT_HOST_REFUSED, "the vendor redirects to what is no web address");
    }
}

/* Media come as they are: nobody asked for another coding, and what would be stored is not the medium. */
static bool head_coded(const struct vendor_call *c)
{
    static const char *const codings[] = {"gzip", "x-gzip", "deflate", "br", "zstd", "compress"};
    const char *coding = c->media ? vendor_head_find(&c->head, "content-encoding") : NULL;

    for (size_t i = 0; coding && i < sizeof(codings) / sizeof(*codings); i++) {
        if (strcasestr(coding, codings[i])) {
            return true;
        }
    }
    return false;
}

/* An answer that announces too much is not begun. */
static bool head_too_large(const struct vendor_call *c)
{
    const char *length = vendor_head_find(&c->head, "content-length");

    return length && strcmp(c->method, "HEAD") != 0 && strtoull(length, NULL, 10) > c->max_bytes;
}

static enum fault head_check(struct vendor_call *c)
{
    if (c->head.status < 300 && head_coded(c)) {
        return vendor_call_fail(c, FAULT_VENDOR_ANSWER, "the answer is compressed, which was not asked for");
    }
    if (c->head.status < 300 && head_too_large(c)) {
        return vendor_call_fail(c, FAULT_TOO_LARGE, "the answer has more than %llu bytes",
                                (unsigned long long)c->max_bytes);
    }
    return FAULT_OK;
}

static size_t on_header(char *p, size_t size, size_t count, void *arg)
{
    struct vendor_call *c = arg;
    size_t n = size * count;

    c->moved_ms = loop_now_ms(c->vendor->loop);
    if (c->stopped) {
        return 0;
    }
    enum vendor_head_step step = vendor_head_line(&c->head, (struct slice){p, n});
    if (step == VENDOR_HEAD_MORE) {
        return n;
    }
    if (step == VENDOR_HEAD_BAD) {
        vendor_call_fail(c, FAULT_VENDOR_ANSWER, "the head of the answer is too large or makes no sense");
        return 0;
    }
    hop_redirect(c);
    if (c->next || c->fault) {
        return c->fault ? 0 : n;
    }
    c->answered = true;
    if (head_check(c)) {
        return 0;
    }
    AUTO(auto_free) struct vendor_field *fields = vendor_head_fields(&c->head);
    enum fault fault = c->events.head(c->arg, c->head.status, fields, c->head.count);
    if (fault) {
        vendor_call_fail(c, fault, "%s", fault_text(fault));
    }
    return fault || c->stopped ? 0 : n;
}

static size_t on_redirect_data(struct vendor_call *c, size_t n)
{
    c->skipped_bytes += n;
    return c->skipped_bytes > REDIRECT_BYTES ? 0 : n; /* not worth keeping the connection for */
}

static size_t on_data(char *p, size_t size, size_t count, void *arg)
{
    struct vendor_call *c = arg;
    size_t n = size * count;
    curl_off_t announced = -1;

    c->moved_ms = loop_now_ms(c->vendor->loop);
    if (c->stopped) {
        return 0;
    }
    if (c->next) {
        return on_redirect_data(c, n);
    }
    if (c->paused) {
        c->held = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    curl_easy_getinfo(c->hop.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    if (n > c->max_bytes - c->got_bytes || (announced > 0 && (uint64_t)announced > c->max_bytes)) {
        vendor_call_fail(c, FAULT_TOO_LARGE, "the answer has more than %llu bytes",
                         (unsigned long long)c->max_bytes);
        return 0;
    }
    c->got_bytes += n;
    bool pause = false;
    enum fault fault = c->events.data(c->arg, (struct slice){p, n}, &pause);
    if (fault) {
        vendor_call_fail(c, fault, "%s", fault_text(fault));
        return 0;
    }
    c->paused = pause;
    return c->stopped ? 0 : n;
}

/* ---- options ---- */

static bool field_fits(const struct vendor_field *f)
{
    static const char token[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char *const framing[] = {"content-length", "transfer-encoding", "connection", "upgrade",
                                          "expect"};

    for (size_t i = 0; i < sizeof(framing) / sizeof(*framing); i++) {
        if (strcasecmp(f->name, framing[i]) == 0) {
            return false;
        }
    }
    for (const char *at = f->value; *at; at++) {
        if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) {
            return false;
        }
    }
    return *f->name && !f->name[strspn(f->name, token)];
}

static bool hop_add_field(struct vendor_call *c, const struct vendor_field *f)
{
    if (!field_fits(f)) {
        return false;
    }
    /* libcurl's spelling of a field without a value is "Name;". */
    AUTO(auto_free) char *line = mem_printf(*f->value ? "%s: %s" : "%s;%s", f->name, f->value);
    c->hop.fields = curl_slist_append(c->hop.fields, line);
    return true;
}

static bool hop_set_fields(struct vendor_call *c)
{
    bool typed = false;

    for (size_t i = 0; i < c->field_count; i++) {
        typed = typed || strcasecmp(c->fields[i].name, "content-type") == 0;
        if (!hop_add_field(c, &c->fields[i])) {
            return false;
        }
    }
    bool home = c->secret_count && strcmp(c->secret_origin, c->where.origin) == 0;
    for (size_t i = 0; home && i < c->secret_count; i++) {
        if (!hop_add_field(c, &c->secrets[i])) {
            return false;
        }
    }
    if (!typed) {
        c->hop.fields =
            curl_slist_append(c->hop.fields, "Content-Type:"); /* libcurl would say that it is a form */
    }
    c->hop.fields = curl_slist_append(
        c->hop.fields, "Expect:"); /* an extra round trip, and a second when it is not understood */
    curl_easy_setopt(c->hop.easy, CURLOPT_HTTPHEADER, c->hop.fields);
    return true;
}

static bool hop_set_method(struct vendor_call *c)
{
    CURL *easy = c->hop.easy;

    if (!*c->method || c->method[strspn(c->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")]) {
        return false;
    }
    if (strcmp(c->method, "HEAD") == 0 && !c->has_body) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return true;
    }
    if (c->has_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_bytes);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, c->small); /* NULL: by on_read */
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, c);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek);
        curl_easy_setopt(easy, CURLOPT_SEEKDATA, c);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, c->method);
    return true;
}

static void hop_set_callbacks(struct vendor_call *c)
{
    CURL *easy = c->hop.easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, c);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, c->hop.error);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, c);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, c);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, c);
}

static void hop_set_trust(struct vendor_call *c)
{
    const struct vendor *v = c->vendor;
    CURL *easy = c->hop.easy;

    /* libcurl reads the CA file once for all transfers of a multi handle only when no CA directory is set
     * (lib/vtls/openssl.c cache_criteria_met): 0.7 MB and 16 ms a connection otherwise. */
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
    if (v->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, v->ca_file);
        curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, v->ca_file);
    }
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (c->guarded) {
        curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* a proxy would connect to what the guard forbids */
    } else if (v->proxy) {
        curl_easy_setopt(easy, CURLOPT_PROXY, v->proxy);
    }
}

static void hop_set_wire(struct vendor_call *c)
{
    CURL *easy = c->hop.easy;

    curl_easy_setopt(easy, CURLOPT_URL, c->where.url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long)(c->media ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS));
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)LIMIT_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, KEPT_SECONDS);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, PINNED_SECONDS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE,
                     (long)(c->body_bytes > LONG_BODY_BYTES ? MEDIA_BUFFER : LONG_BODY_BYTES));
    if (c->media) {
        curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, (long)MEDIA_BUFFER);
    }
}

/* "+host:port:address,[address]": where the name leads, for as long as the plus says. */
static void hop_pin(struct vendor_call *c, const char *const *addresses, int n)
{
    struct buf pin;

    buf_init(&pin, 4 * KIB);
    buf_printf(&pin, "+%s:%d:", c->where.host, c->where.port);
    for (int i = 0; i < n; i++) {
        buf_printf(&pin, strchr(addresses[i], ':') ? "%s[%s]" : "%s%s", i ? "," : "", addresses[i]);
    }
    if (n && buf_ok(&pin)) {
        c->hop.pins = curl_slist_append(NULL, pin.p);
        curl_easy_setopt(c->hop.easy, CURLOPT_RESOLVE, c->hop.pins);
    }
    buf_done(&pin);
}

enum fault vendor_hop_start(struct vendor_call *c, const char *const *addresses, int n)
{
    struct vendor_hop *hop = &c->hop;

    *hop = (struct vendor_hop){.easy = curl_easy_init()};
    if (!hop->easy) {
        return vendor_call_fail(c, FAULT_INTERNAL, "no transfer could be made");
    }
    hop->unguarded = guard_allows((const char *const *)c->vendor->allow, c->where.named, c->where.port);
    hop_set_wire(c);
    hop_set_trust(c);
    hop_set_callbacks(c);
    hop_pin(c, addresses, n);
    if (!hop_set_method(c)) {
        return vendor_call_fail(c, FAULT_CONFIG, "the request's method is not one that can be sent");
    }
    if (!hop_set_fields(c)) {
        return vendor_call_fail(c, FAULT_CONFIG, "a header field of the request is not one that can be sent");
    }
    vendor_multi_add(c->pool, hop->easy);
    return FAULT_OK;
}

void vendor_hop_done(struct vendor_call *c)
{
    struct vendor_hop *hop = &c->hop;

    if (hop->easy) {
        vendor_multi_remove(c->pool, hop->easy);
        curl_easy_cleanup(hop->easy);
    }
    curl_slist_free_all(hop->fields);
    curl_slist_free_all(hop->pins);
    *hop = (struct vendor_hop){0};
}

/* ---- the end ---- */

/* Errors of this machine's own network, and not of the vendor's end. */
static bool errno_local(long error)
{
    static const int codes[] = {ENETUNREACH, EHOSTUNREACH, ENETDOWN, EADDRNOTAVAIL, EACCES,
                                EPERM,       EMFILE,       ENFILE,   ENOBUFS,       ENOMEM};

    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        if (error == codes[i]) {
            return true;
        }
    }
    return false;
}

static bool hop_local(const struct vendor_call *c, CURLcode result)
{
    long error = 0;

    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_PROXY:
    case CURLE_OUT_OF_MEMORY:
        return true;
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(c->hop.easy, CURLINFO_OS_ERRNO, &error);
        return errno_local(c->hop.open_error ? c->hop.open_error : error);
    default:
        return false;
    }
}

enum fault vendor_hop_blame(struct vendor_call *c, CURLcode result)
{
    if (c->fault || result == CURLE_OK) {
        return c->fault;
    }
    if (c->hop.forbidden && !c->hop.opened && !c->hop.begun) {
        return vendor_call_fail(
            c, FAULT_HOST_REFUSED,
            "the address of %s is not one that may be reached unless allow_hosts names it", c->where.host);
    }
    const char *text = c->hop.error[0] ? c->hop.error : curl_easy_strerror(result);
    c->local = !c->hop.begun && hop_local(c, result);
    switch (result) {
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return vendor_call_fail(c, FAULT_VENDOR_ANSWER, "%s", text);
    default:
        return vendor_call_fail(c, FAULT_VENDOR_UNAVAILABLE, "%s", text);
    }
}
