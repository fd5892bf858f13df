/* dev_files.c - the state folder of `sluice dev`. */
#include "cli/dev_files.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/config.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

static const struct model {
    const char *name, *adapter, *vendor_model, *dialect;
} models[] = {
    {"gpt-image-2", "openai-images", "gpt-image-2", "openai/v1"},
    {"sora-2", "openai-videos", "sora-2", "openai/v1"},
    {"tts-1", "openai-speech", "tts-1", "openai/v1"},
    {"flux", "fal", "fal-ai/flux/dev", "fal"},
    {"kling-video", "fal", "fal-ai/kling-video/v2/master/text-to-video", "fal"},
    {"eleven", "elevenlabs", "eleven_multilingual_v2", "elevenlabs"},
    {"avatar", "heygen", "avatar_iv", "heygen"},
};

/* A path as YAML: a JSON string is one. */
static void add_quoted(struct buf *b, const char *before, const char *folder, const char *name,
                       const char *after)
{
    AUTO(auto_free) char *path = mem_printf("%s%s%s", folder, *name ? "/" : "", name);
    json_t *value = json_string(path);
    AUTO(auto_free) char *quoted = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;

    buf_printf(b, "%s%s%s", before, quoted ? quoted : "\"\"", after);
    json_decref(value);
}

char *dev_files_config(const struct dev_files *f)
{
    struct buf b;

    buf_init(&b, MIB);
    buf_text(&b, "# Written by `sluice dev` at each start; changes are lost. A copy is a good beginning for "
                 "one of your own.\n"
                 "app: dev\n");
    add_quoted(&b, "socket: ", f->folder, "agent.sock", "\n");
    buf_printf(&b, "admin: \"127.0.0.1:0\"\nnats: { url: \"nats://127.0.0.1:%d\" }\n", f->nats_port);
    buf_text(&b, "streams: { tasks_bytes: 64MiB, results_bytes: 64MiB, media_bytes: 1GiB }\n");
    add_quoted(&b, "spool: { dir: ", f->folder, "spool", ", bytes: 1GiB }\n");
    add_quoted(&b, "adapters: [", f->adapters, "", "]\n");
    buf_printf(&b,
               "drain: 5s\n\n# The simulator speaks plain http on a loopback address.\n"
               "allow_http: true\nallow_hosts: [\"127.0.0.1:%d\"]\n\n",
               f->sim_port);
    add_quoted(&b, "keys:\n  simulator: [{ id: dev, file: ", f->folder, "dev.key", " }]\n\nmodels:\n");
    for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
        const struct model *m = &models[i];
        buf_printf(&b,
                   "  %s: { adapter: %s, model: \"%s\", key: simulator, base: \"http://127.0.0.1:%d/%s\" }\n",
                   m->name, m->adapter, m->vendor_model, f->sim_port, m->dialect);
    }
    char *text = buf_take(&b);
    buf_done(&b);
    return text ? text : mem_text("");
}

bool dev_files_write(const char *folder, const char *name, const char *text)
{
    AUTO(auto_free) char *path = mem_printf("%s/%s", folder, name);
    AUTO(auto_free) char *part = mem_printf("%s.part", path);
    mode_t before = umask(077);
    FILE *file = fopen(part, "we");

    umask(before);
    if (!file) {
        return false;
    }
    bool good = fputs(text, file) >= 0;
    good = !fclose(file) && good && !rename(part, path);
    return good;
}

int dev_files_port(const char *folder, const char *name)
{
    AUTO(auto_free) char *path = mem_printf("%s/%s", folder, name);
    AUTO(auto_free) char *text = config_read_text(path, true);
    long port = text ? strtol(text, NULL, 10) : 0;

    return port > 0 && port < 65536 ? (int)port : 0;
}

char *dev_files_default(void)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

    if (state && *state == '/') {
        return mem_printf("%s/sluice", state);
    }
    return home && *home == '/' ? mem_printf("%s/.local/state/sluice", home) : NULL;
}

bool dev_files_make(const char *folder)
{
    AUTO(auto_free) char *path = mem_text(folder);

    for (char *at = path + 1; *at; at++) {
        if (*at == '/') {
            *at = '\0';
            if (mkdir(path, 0700) && errno != EEXIST) {
                return false;
            }
            *at = '/';
        }
    }
    return !mkdir(path, 0700) || errno == EEXIST;
}
