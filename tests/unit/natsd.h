/* natsd.h - a real nats-server with JetStream for one test: own temporary directory, free port on the
 * loopback, stopped by its own id. */
#ifndef TESTS_NATSD_H
#define TESTS_NATSD_H

#include <arpa/inet.h>
#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct natsd {
    char dir[64]; /* config, log and store */
    char url[64];
    int port;
    pid_t pid; /* 0: not running */
};

/* The server's path (NATS_SERVER, else from PATH and the usual places), or NULL. */
static const char *natsd_find(void)
{
    static char path[512];
    const char *rest = getenv("PATH");
    const char *given = getenv("NATS_SERVER");

    if (given) {
        return given;
    }
    for (rest = rest ? rest : ""; *rest;) {
        size_t n = strcspn(rest, ":");
        snprintf(path, sizeof(path), "%.*s/nats-server", (int)n, rest);
        if (!access(path, X_OK)) {
            return path;
        }
        rest += n + (rest[n] == ':');
    }
    snprintf(path, sizeof(path), "/usr/sbin/nats-server");
    return access(path, X_OK) ? NULL : path;
}

static struct sockaddr_in natsd_address(int port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int natsd_free_port(void)
{
    struct sockaddr_in address = natsd_address(0);
    socklen_t n = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int port = -1;

    if (!bind(fd, (struct sockaddr *)&address, n) && !getsockname(fd, (struct sockaddr *)&address, &n)) {
        port = ntohs(address.sin_port);
    }
    close(fd);
    return port;
}

/* Chooses a port and a directory and writes the configuration; extra is appended to it. */
static void natsd_prepare(struct natsd *d, const char *extra)
{
    char path[128];

    *d = (struct natsd){.port = natsd_free_port()};
    snprintf(d->dir, sizeof(d->dir), "/tmp/sluice-natsd-XXXXXX");
    if (!mkdtemp(d->dir)) {
        abort();
    }
    snprintf(d->url, sizeof(d->url), "nats://127.0.0.1:%d", d->port);
    snprintf(path, sizeof(path), "%s/conf", d->dir);
    FILE *f = fopen(path, "we");
    fprintf(f, "listen: 127.0.0.1:%d\njetstream { store_dir: \"%s/js\", max_file: 1G, max_mem: 4G }\n%s\n",
            d->port, d->dir, extra ? extra : "");
    fclose(f);
}

static bool natsd_answers(const struct natsd *d)
{
    struct sockaddr_in address = natsd_address(d->port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = !connect(fd, (struct sockaddr *)&address, sizeof(address));

    close(fd);
    return ok;
}

static void natsd_exec(const struct natsd *d, const char *server)
{
    char conf[128], log[128];

    snprintf(conf, sizeof(conf), "%s/conf", d->dir);
    snprintf(log, sizeof(log), "%s/log", d->dir);
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves no server behind */
    execl(server, server, "-c", conf, (char *)NULL);
    _exit(127);
}

/* Starts the server and waits until it answers. */
static void natsd_start(struct natsd *d)
{
    const char *server = natsd_find();

    assert(server && !d->pid);
    d->pid = fork();
    if (d->pid == 0) {
        natsd_exec(d, server);
    }
    for (int i = 0; i < 1000 && !natsd_answers(d); i++) {
        usleep(10 * 1000);
    }
}

/* SIGKILL: as a crash; SIGTERM: as an operator does. */
static void natsd_end(struct natsd *d, int signum)
{
    if (d->pid > 0) {
        kill(d->pid, signum);
        waitpid(d->pid, NULL, 0);
        d->pid = 0;
    }
}

static int natsd_remove_one(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
    (void)s;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void natsd_remove(struct natsd *d)
{
    natsd_end(d, SIGKILL);
    nftw(d->dir, natsd_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
