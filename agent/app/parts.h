/* parts.h - what main wired together, handed to those who join rules to edges. Everything is borrowed. */
#ifndef APP_PARTS_H
#define APP_PARTS_H

#include "app/config.h"
#include "app/registry.h"
#include "base/log.h"
#include "edge/bus.h"
#include "edge/loop.h"
#include "edge/media.h"
#include "edge/spool.h"
#include "edge/vendor.h"

struct ledger;
struct fleet;
struct metrics;
struct assets;
struct rates;
struct standing;
struct tokens;

struct parts {
    struct loop *loop;
    struct log *log;
    const struct config *config;
    struct registry
        *registry; /* the present snapshot; whoever works on with it across a gap keeps a reference */
    struct bus *bus;
    struct bus *media_bus; /* the connection of media; whose only user it is */
    struct media *media;
    struct vendor *vendor;
    struct tokens *tokens;
    struct spool *spool;
    struct ledger *ledger;
    struct fleet *fleet;
    struct metrics *metrics;
    struct assets *assets;     /* media that vendors have already */
    struct rates *rates;       /* of submissions, for each key */
    char told_version[20];     /* digest of the adapter version that was last told to be missing here */
    struct standing *standing; /* of targets and keys, as the fleet sees it */
};

#endif
