/* watch.h - tells when files of the configuration have changed on disk. */
#ifndef APP_WATCH_H
#define APP_WATCH_H

#include "app/config.h"
#include "edge/loop.h"

struct watch;

/* watch_new - looks every config->watch_ms (0: never) at the configuration, the adapter folders and the files
 * of keys, on a pool thread: their names, inodes, sizes and times, through symbolic links, so that the swap
 * of a ConfigMap's or Secret's link is seen. fn is told once a change has stood still from one look to the
 * next: a file half-way written is not for us. Looking, instead of inotify, works on every file system. */
typedef void watch_fn(void *arg);
struct watch *watch_new(struct loop *loop, const struct config *config, watch_fn *fn, void *arg);
/* watch_set - looks at what another configuration names from now on. */
void watch_set(struct watch *w, const struct config *config);
/* watch_free - a look that is under way ends with the loop's pool. */
void watch_free(struct watch **w);

#endif
