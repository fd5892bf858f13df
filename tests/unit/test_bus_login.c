/* test_bus_login.c - how the bus logs in: password, token, nkey, TLS. Each test has a server of its own. */
#include "busrig.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "edge/nkey.h"

/* A user seed, made for this test, and the same with one wrong letter. */
#define SEED   "SUAO2CLMMKNWRGLQHBCCPITHSX5GWIYLIM4NNSXVCY4EU6MR2DWHOY2LXA"
#define BROKEN "SUAO2CLMMKNWRGLQHBCCAITHSX5GWIYLIM4NNSXVCY4EU6MR2DWHOY2LXA"

static void need_server(void)
{
    if (!natsd_find()) {
        skip();
    }
}

static char *write_file(const struct natsd *d, const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", d->dir, name);
    FILE *f = fopen(path, "we");

    fputs(text, f);
    fclose(f);
    return path;
}

/* Whether a bus with options comes up on d and can publish. */
static bool works(struct natsd *d, const struct bus_options *options)
{
    struct rig *r = rig_new(d, options);

    rig_sleep(r, 20);
    for (int i = 0; i < 100 && !bus_up(r->bus); i++) {
        rig_sleep(r, 10);
    }
    bool up = bus_up(r->bus);
    if (up) {
        rig_stream(r, "LOGIN", NULL);
        up = rig_put(r, "LOGIN.a", "x").fault == FAULT_OK;
        rig_make(r, "$JS.API.STREAM.DELETE.LOGIN", NULL);
    }
    rig_free(&r);
    return up;
}

static void password_and_token(void **state)
{
    /* The right password and the right token get in, wrong ones never; also when they stand in the URL. */
    struct natsd d;
    char url[128];

    (void)state;
    need_server();
    natsd_prepare(&d, "authorization { user: me, password: hush }");
    natsd_start(&d);
    assert_true(works(&d, &(struct bus_options){.urls = d.url, .user = "me", .password = "hush"}));
    assert_false(works(&d, &(struct bus_options){.urls = d.url, .user = "me", .password = "wrong"}));
    assert_false(works(&d, &(struct bus_options){.urls = d.url}));
    snprintf(url, sizeof(url), "nats://me:hush@127.0.0.1:%d", d.port);
    assert_true(works(&d, &(struct bus_options){.urls = url}));
    natsd_remove(&d);
    natsd_prepare(&d, "authorization { token: secret }");
    natsd_start(&d);
    assert_true(works(&d, &(struct bus_options){.urls = d.url, .token = "secret"}));
    assert_false(works(&d, &(struct bus_options){.urls = d.url, .token = "guess"}));
    natsd_remove(&d);
}

static void login_is_tried_again(void **state)
{
    /* A refused login is repeated: the bus comes up when the server's configuration is put right. */
    struct natsd d;

    (void)state;
    need_server();
    natsd_prepare(&d, "authorization { user: me, password: other }");
    natsd_start(&d);
    struct bus_options options = {.urls = d.url, .user = "me", .password = "hush"};
    struct rig *r = rig_new(&d, &options);
    rig_sleep(r, 700);
    assert_false(bus_up(r->bus));
    natsd_end(&d, SIGTERM);
    char text[256];
    snprintf(text, sizeof(text), "listen: 127.0.0.1:%d\nauthorization { user: me, password: hush }\n",
             d.port);
    free(write_file(&d, "conf", text));
    natsd_start(&d);
    rig_wait_for(r, true);
    rig_free(&r);
    natsd_remove(&d);
}

static void nkey_seed_logs_in(void **state)
{
    /* The public key is derived from the seed file, as the server knows it; a seed with a typing error is
     * refused. */
    struct natsd d;
    char public[NKEY_CHARS + 1] = "";
    char conf[256];
    struct note note = {0};

    (void)state;
    need_server();
    natsd_prepare(&d, NULL);
    AUTO(auto_free) char *seed = write_file(&d, "seed", "# a comment\n  " SEED "\n");
    AUTO(auto_free) char *broken = write_file(&d, "broken", BROKEN "\n");
    assert_int_equal(nkey_public(broken, public, &note), FAULT_CONFIG);
    assert_int_equal(nkey_public(seed, public, NULL), FAULT_OK);
    assert_int_equal(strlen(public), NKEY_CHARS);
    assert_int_equal(public[0], 'U');
    snprintf(
        conf, sizeof(conf),
        "listen: 127.0.0.1:%d\njetstream { store_dir: \"%s/js\" }\nauthorization { users: [{nkey: %s}] }\n",
        d.port, d.dir, public);
    free(write_file(&d, "conf", conf));
    natsd_start(&d);
    assert_true(works(&d, &(struct bus_options){.urls = d.url, .nkey_seed_file = seed}));
    assert_false(works(&d, &(struct bus_options){.urls = d.url}));
    natsd_remove(&d);
}

/* ---- TLS ---- */

static void add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
}

/* A key and a certificate for "localhost" that vouches for itself. */
static void make_certificate(const char *key_path, const char *cert_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(cert, NID_subject_alt_name, "DNS:localhost");
    X509_sign(cert, key, EVP_sha256());
    FILE *f = fopen(key_path, "we");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    f = fopen(cert_path, "we");
    PEM_write_X509(f, cert);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

/* A server with TLS; url gets its address by name. */
static void start_tls_server(struct natsd *d, char *url, size_t url_size, char cert[128])
{
    char key[128];
    char conf[512];

    natsd_prepare(d, NULL);
    snprintf(key, sizeof(key), "%s/key.pem", d->dir);
    snprintf(cert, 128, "%s/cert.pem", d->dir);
    make_certificate(key, cert);
    snprintf(conf, sizeof(conf),
             "listen: 127.0.0.1:%d\njetstream { store_dir: \"%s/js\" }\ntls { cert_file: \"%s\", key_file: "
             "\"%s\" }\n",
             d->port, d->dir, cert, key);
    free(write_file(d, "conf", conf));
    natsd_start(d);
    snprintf(url, url_size, "tls://localhost:%d", d->port);
}

static void tls_checks_the_server(void **state)
{
    /* With the CA it works; without it, or under another name than the certificate's, it never comes up. */
    struct natsd d;
    char url[64], cert[128], by_number[64];

    (void)state;
    need_server();
    start_tls_server(&d, url, sizeof(url), cert);
    snprintf(by_number, sizeof(by_number), "tls://127.0.0.1:%d", d.port);
    assert_true(works(&d, &(struct bus_options){.urls = url, .tls_ca_file = cert}));
    assert_false(works(&d, &(struct bus_options){.urls = url}));
    assert_false(works(&d, &(struct bus_options){.urls = by_number, .tls_ca_file = cert}));
    natsd_remove(&d);
}

#define MESSAGES 2000
#define LARGE    (100 * 1024)

static void tls_carries_load(void **state)
{
    /* Many small publishes and many of 100 KiB are all stored over TLS, and a frozen server does not stop the
     * loop. */
    struct natsd d;
    char url[64], cert[128], id[32];
    static struct rig_ack acks[MESSAGES];
    AUTO(auto_free) char *large = mem_new(LARGE);

    (void)state;
    need_server();
    start_tls_server(&d, url, sizeof(url), cert);
    struct bus_options options = {.urls = url, .tls_ca_file = cert};
    struct rig *r = rig_new(&d, &options);
    rig_wait_for(r, true);
    rig_stream(r, "TLS", NULL);
    for (int i = 0; i < MESSAGES; i++) {
        struct bus_out out = {.subject = "TLS.a",
                              .payload = {large, i % 10 ? 100 : LARGE},
                              .msg_id = id,
                              .expect_last_seq = -1};
        snprintf(id, sizeof(id), "tls-%d", i);
        acks[i] = (struct rig_ack){.rig = r};
        bus_publish(r->bus, &out, 25000, rig_acked, &acks[i]);
        if (i == MESSAGES / 2) {
            kill(d.pid, SIGSTOP);
        }
    }
    rig_sleep(r, 1500); /* returns: the loop is not stuck in a write */
    kill(d.pid, SIGCONT);
    rig_wait(r, MESSAGES);
    for (int i = 0; i < MESSAGES; i++) {
        assert_int_equal(acks[i].ack.fault, FAULT_OK);
    }
    assert_int_equal(rig_stream_messages(r, "TLS"), MESSAGES);
    rig_free(&r);
    natsd_remove(&d);
}

static void cluster_servers_are_learnt(void **state)
{
    /* With one URL of a cluster the others become known: when the first server goes, the bus comes up on the
     * second. */
    struct natsd a, b;
    char conf[512];
    int route = natsd_free_port();

    (void)state;
    need_server();
    natsd_prepare(&a, NULL);
    natsd_prepare(&b, NULL);
    snprintf(conf, sizeof(conf),
             "listen: 127.0.0.1:%d\nserver_name: a\ncluster { name: c, listen: 127.0.0.1:%d }\n", a.port,
             route);
    free(write_file(&a, "conf", conf));
    snprintf(conf, sizeof(conf),
             "listen: 127.0.0.1:%d\nserver_name: b\ncluster { name: c, listen: 127.0.0.1:%d, routes: "
             "[nats://127.0.0.1:%d] }\n",
             b.port, natsd_free_port(), route);
    free(write_file(&b, "conf", conf));
    natsd_start(&a);
    natsd_start(&b);
    usleep(1000 * 1000); /* the servers get to know each other */
    struct rig *r = rig_new(&a, NULL);
    rig_wait_for(r, true);
    natsd_end(&a, SIGKILL);
    rig_wait_for(r, false);
    rig_wait_for(r, true);
    rig_free(&r);
    natsd_remove(&a);
    natsd_remove(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(password_and_token), cmocka_unit_test(login_is_tried_again),
        cmocka_unit_test(nkey_seed_logs_in),  cmocka_unit_test(tls_checks_the_server),
        cmocka_unit_test(tls_carries_load),   cmocka_unit_test(cluster_servers_are_learnt),
    };

    if (!natsd_find()) {
        printf("SKIPPED: there is no nats-server; logging in to NATS is not tested\n");
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
