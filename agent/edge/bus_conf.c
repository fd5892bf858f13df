/* bus_conf.c - how to connect to NATS: checked once, turned into the library's options for each connection.
 */
#include "edge/bus_conf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "edge/nkey.h"

#define SERVERS_MAX 64
#define CONNECT_MS  2000 /* each server: TCP, TLS, INFO and PONG together */
#define PING_MS     10000

struct bus_conf {
    int refs;
    bool tls;
    char *servers[SERVERS_MAX];
    int configured; /* of them from the options; the rest was learnt */
    int count;
    bool secrets_in_urls;
    char *name, *user, *password, *token;
    char *creds_file, *nkey_seed_file;
    char *tls_ca_file, *tls_cert_file, *tls_key_file;
};

static char *text_of(const char *text)
{
    return text && *text ? mem_text(text) : NULL;
}

static void conf_free(struct bus_conf *c)
{
    for (int i = 0; i < c->count; i++) {
        free(c->servers[i]);
    }
    char *const texts[] = {c->name,           c->user,        c->password,      c->token,       c->creds_file,
                           c->nkey_seed_file, c->tls_ca_file, c->tls_cert_file, c->tls_key_file};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        free(texts[i]);
    }
    free(c);
}

static enum fault conf_add_url(struct bus_conf *c, struct slice url, struct note *note)
{
    bool tls = slice_starts(url, "tls://");
    size_t scheme = 6 + !tls;

    if ((!tls && !slice_starts(url, "nats://")) || url.n == scheme) {
        /* The text is not shown when it may hold a password. */
        bool secret = memchr(url.p ? url.p : "", '@', url.n) != NULL;
        return note_set(note, FAULT_CONFIG,
                        "the NATS URL \"%.*s\" must be nats://HOST:PORT or tls://HOST:PORT",
                        secret ? 3 : (int)(url.n < 200 ? url.n : 200),
                        secret  ? "…"
                        : url.p ? url.p
                                : "");
    }
    if (c->count == SERVERS_MAX / 2) {
        return note_set(note, FAULT_CONFIG, "more than %d NATS URLs", SERVERS_MAX / 2);
    }
    c->tls = c->tls || tls;
    c->secrets_in_urls = c->secrets_in_urls || memchr(url.p, '@', url.n);
    /* The library knows TLS as an option only. */
    c->servers[c->count++] = mem_printf("nats://%.*s", (int)(url.n - scheme), url.p + scheme);
    return FAULT_OK;
}

static enum fault conf_add_urls(struct bus_conf *c, const char *urls, struct note *note)
{
    struct slice rest = slice_of(urls ? urls : "");
    struct slice url;
    enum fault fault = FAULT_OK;

    while (fault == FAULT_OK && slice_cut(&rest, ',', &url)) {
        fault = conf_add_url(c, slice_trim(url), note);
    }
    c->configured = c->count;
    return fault;
}

static enum fault conf_readable(const char *what, const char *path, struct note *note)
{
    if (path && access(path, R_OK)) {
        return note_set(note, FAULT_CONFIG, "the %s %s cannot be read: %s", what, path, strerror(errno));
    }
    return FAULT_OK;
}

static enum fault conf_check(const struct bus_conf *c, struct note *note)
{
    char why[256];
    natsOptions *options = NULL;
    const struct {
        const char *what, *path;
    } files[] = {{"credentials file", c->creds_file},
                 {"nkey seed file", c->nkey_seed_file},
                 {"TLS CA file", c->tls_ca_file},
                 {"TLS certificate file", c->tls_cert_file},
                 {"TLS key file", c->tls_key_file}};

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        enum fault fault = conf_readable(files[i].what, files[i].path, note);
        if (fault != FAULT_OK) {
            return fault;
        }
    }
    if (!c->tls_cert_file != !c->tls_key_file) {
        return note_set(note, FAULT_CONFIG, "TLS certificate file and TLS key file need each other");
    }
    if (bus_conf_options(c, &options, why, sizeof(why)) != NATS_OK) {
        return note_set(note, FAULT_CONFIG, "the NATS settings do not hold: %s", why);
    }
    natsOptions_Destroy(options);
    return FAULT_OK;
}

enum fault bus_conf_new(const struct bus_options *o, struct bus_conf **ret_conf, struct note *note)
{
    struct bus_conf *c = mem_new(sizeof(*c));

    *c = (struct bus_conf){
        .refs = 1,
        .name = text_of(o->name),
        .user = text_of(o->user),
        .password = text_of(o->password),
        .token = text_of(o->token),
        .creds_file = text_of(o->creds_file),
        .nkey_seed_file = text_of(o->nkey_seed_file),
        .tls_ca_file = text_of(o->tls_ca_file),
        .tls_cert_file = text_of(o->tls_cert_file),
        .tls_key_file = text_of(o->tls_key_file),
    };
    enum fault fault = conf_add_urls(c, o->urls, note);
    c->tls = c->tls || c->tls_ca_file || c->tls_cert_file;
    if (fault == FAULT_OK) {
        fault = conf_check(c, note);
    }
    if (fault != FAULT_OK) {
        conf_free(c);
        return fault;
    }
    *ret_conf = c;
    return FAULT_OK;
}

struct bus_conf *bus_conf_hold(struct bus_conf *conf)
{
    conf->refs++;
    return conf;
}

void bus_conf_release(struct bus_conf **pconf)
{
    struct bus_conf *conf = *pconf;

    if (conf && --conf->refs == 0) {
        conf_free(conf);
    }
    *pconf = NULL;
}

bool bus_conf_tls(const struct bus_conf *conf)
{
    return conf->tls;
}

/* ---- options ---- */

/* Without one of its own the library writes to stderr. What it would tell is asked for instead, see
 * bus_link.c. */
static void conf_no_words(natsConnection *nc, natsSubscription *subscription, natsStatus error, void *arg)
{
    (void)nc;
    (void)subscription;
    (void)error;
    (void)arg;
}

static natsStatus conf_behaviour(natsOptions *o)
{
    natsStatus s = natsOptions_SetAllowReconnect(o, false);

    if (s == NATS_OK) {
        s = natsOptions_SetSendAsap(o, true);
    }
    if (s == NATS_OK) {
        s = natsOptions_SetTimeout(o, CONNECT_MS);
    }
    if (s == NATS_OK) {
        s = natsOptions_SetPingInterval(o, PING_MS);
    }
    if (s == NATS_OK) {
        /* The library's timer thread must not find the connection stale: it would close it while the loop
         * reads from it. The link counts silence itself. */
        s = natsOptions_SetMaxPingsOut(o, INT_MAX);
    }
    return s == NATS_OK ? natsOptions_SetErrorHandler(o, conf_no_words, NULL) : s;
}

static natsStatus conf_login(const struct bus_conf *c, natsOptions *o, struct note *note)
{
    char public[NKEY_CHARS + 1];
    natsStatus s = NATS_OK;

    if (c->user) {
        s = natsOptions_SetUserInfo(o, c->user, c->password ? c->password : "");
    }
    if (s == NATS_OK && c->token) {
        s = natsOptions_SetToken(o, c->token);
    }
    if (s == NATS_OK && c->creds_file) {
        s = natsOptions_SetUserCredentialsFromFiles(o, c->creds_file, NULL);
    }
    if (s == NATS_OK && c->nkey_seed_file) {
        s = nkey_public(c->nkey_seed_file, public, note) == FAULT_OK
                ? natsOptions_SetNKeyFromSeed(o, public, c->nkey_seed_file)
                : NATS_INVALID_ARG;
    }
    return s;
}

static natsStatus conf_secure(const struct bus_conf *c, natsOptions *o)
{
    natsStatus s = c->tls ? natsOptions_SetSecure(o, true) : NATS_OK;

    if (s == NATS_OK && c->tls_ca_file) {
        s = natsOptions_LoadCATrustedCertificates(o, c->tls_ca_file);
    }
    if (s == NATS_OK && c->tls_cert_file) {
        s = natsOptions_LoadCertificatesChain(o, c->tls_cert_file, c->tls_key_file);
    }
    return s;
}

static natsStatus conf_fill(const struct bus_conf *c, natsOptions *o, struct note *note)
{
    const char *servers[SERVERS_MAX];

    for (int i = 0; i < c->count; i++) {
        servers[i] = c->servers[i];
    }
    natsStatus s = natsOptions_SetServers(o, servers, c->count);
    if (s == NATS_OK && c->name) {
        s = natsOptions_SetName(o, c->name);
    }
    if (s == NATS_OK) {
        s = conf_behaviour(o);
    }
    if (s == NATS_OK) {
        s = conf_secure(c, o);
    }
    return s == NATS_OK ? conf_login(c, o, note) : s;
}

natsStatus bus_conf_options(const struct bus_conf *conf, natsOptions **ret_options, char *why,
                            size_t why_size)
{
    struct note note = {0};
    natsOptions *options = NULL;
    natsStatus s = natsOptions_Create(&options);

    if (s == NATS_OK) {
        s = conf_fill(conf, options, &note);
    }
    if (s != NATS_OK) {
        const char *detail = nats_GetLastError(NULL);
        snprintf(why, why_size, "%s",
                 note.text[0]        ? note.text
                 : detail && *detail ? detail
                                     : natsStatus_GetText(s));
        natsOptions_Destroy(options);
        options = NULL;
    }
    *ret_options = options;
    return s;
}

/* ---- servers of the cluster ---- */

static bool conf_knows(const struct bus_conf *c, const char *url)
{
    for (int i = 0; i < c->count; i++) {
        if (!strcmp(c->servers[i], url)) {
            return true;
        }
    }
    return false;
}

static void conf_add_learnt(struct bus_conf *c, const char *url)
{
    if (c->count == SERVERS_MAX) { /* a cluster whose addresses change all the time: begin anew */
        while (c->count > c->configured) {
            free(c->servers[--c->count]);
        }
    }
    c->servers[c->count++] = mem_text(url);
}

void bus_conf_learn(struct bus_conf *c, natsConnection *nc)
{
    char **urls = NULL;
    int n = 0;

    /* A learnt server would need the secret of the URL that is in use, which nobody tells. */
    if (c->secrets_in_urls || natsConnection_GetDiscoveredServers(nc, &urls, &n) != NATS_OK) {
        return;
    }
    for (int i = 0; i < n; i++) {
        if (!conf_knows(c, urls[i])) {
            conf_add_learnt(c, urls[i]);
        }
        free(urls[i]);
    }
    free(urls);
}
