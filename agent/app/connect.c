/* connect.c - the connection to NATS as the configuration describes it. */
#include "app/connect.h"

#include <errno.h>
#include <string.h>

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

/* The secret in file, NULL for none. */
static enum fault read_secret(const char *setting, const char *file, char **ret_secret, struct note *note)
{
    *ret_secret = *file ? config_read_text(file, true) : NULL;
    if (*file && !*ret_secret) {
        return note_set(note, FAULT_CONFIG, "%s: %.200s cannot be read: %s", setting, file, strerror(errno));
    }
    return FAULT_OK;
}

static void wipe(char **secret)
{
    if (*secret) {
        explicit_bzero(*secret, strlen(*secret));
        free(*secret);
    }
}

enum fault connect_bus(struct loop *loop, struct log *log, const struct config *config, const char *name,
                       struct bus **ret_bus, struct note *note)
{
    AUTO(wipe) char *password = NULL;
    AUTO(wipe) char *token = NULL;
    enum fault fault = read_secret("nats.password_file", config->nats_password_file, &password, note);

    if (!fault) {
        fault = read_secret("nats.token_file", config->nats_token_file, &token, note);
    }
    if (fault) {
        return fault;
    }
    const struct bus_options options = {.urls = config->nats_url,
                                        .name = name,
                                        .user = or_null(config->nats_user),
                                        .password = password,
                                        .token = token,
                                        .creds_file = or_null(config->nats_creds_file),
                                        .nkey_seed_file = or_null(config->nats_nkey_seed_file),
                                        .tls_ca_file = or_null(config->nats_tls_ca_file),
                                        .tls_cert_file = or_null(config->nats_tls_cert_file),
                                        .tls_key_file = or_null(config->nats_tls_key_file)};
    return bus_new(loop, log, &options, ret_bus, note);
}
