/* child.c - other programs that run as long as this one. */
#include "cli/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/mem.h"

#define LOOK_MS 50

static int open_log(const char *log)
{
    AUTO(auto_free) char *old = mem_printf("%s.old", log);

    rename(log, old);
    return open(log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
}

/* In the new process, which has everything of the old one but its life: only what is safe between fork and
 * exec. */
static void become(const char *const *argv, int log, pid_t parent)
{
    sigset_t none;
    int null = open("/dev/null", O_RDONLY);

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0); /* Ctrl-C is for the parent, which ends its children in order */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || null == -1 || dup2(null, 0) == -1 || dup2(log, 1) == -1 ||
        dup2(log, 2) == -1) {
        _exit(127);
    }
    execv(argv[0], (char *const *)argv);
    dprintf(2, "%s cannot be run: error %d\n", argv[0], errno);
    _exit(127);
}

bool child_start(struct child *child, const char *name, const char *const *argv, const char *log)
{
    pid_t parent = getpid();
    int fd = open_log(log);

    if (fd == -1) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        become(argv, fd, parent);
    }
    int error = errno;
    close(fd);
    *child = (struct child){.name = name, .pid = pid > 0 ? pid : 0};
    errno = error;
    return pid > 0;
}

/* Waits for its end as options say; true when it has ended. */
static bool reap(struct child *child, int options)
{
    int status = 0;
    pid_t got;

    do {
        got = waitpid(child->pid, &status, options);
    } while (got == -1 && errno == EINTR);
    if (got == 0) {
        return false;
    }
    child->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    child->pid = 0;
    return true;
}

bool child_alive(struct child *child)
{
    return child->pid && !reap(child, WNOHANG);
}

void child_stop(struct child *child, int64_t grace_ms)
{
    const struct timespec pause = {0, LOOK_MS * 1000000};
    int64_t end = clock_mono_ms() + grace_ms;

    if (!child_alive(child)) {
        return;
    }
    kill(child->pid, SIGTERM);
    while (child_alive(child)) {
        if (clock_mono_ms() > end) {
            kill(child->pid, SIGKILL);
            reap(child, 0);
            return;
        }
        nanosleep(&pause, NULL);
    }
}
