/* limits.h - every hard limit of the program in one place: sizes, counts, depths and times.
 *
 * What an operator may change is a setting (app/config.def) whose default and bounds come from here. Names
 * end in their unit. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

#define KIB 1024u
#define MIB (1024u * 1024u)

/* names */
#define LIMIT_NAME_CHARS        64  /* an app, lane, model or adapter */
#define LIMIT_KEY_CHARS         255 /* an Idempotency-Key */
#define LIMIT_URL_BYTES         (8 * KIB)
#define LIMIT_SOCKET_PATH_CHARS 107 /* sun_path */

/* a request on the socket */
#define LIMIT_HEADER_BYTES        (16 * KIB) /* request line and headers together */
#define LIMIT_HEADER_COUNT        100
#define LIMIT_HEADER_MS           10000 /* from the first byte to the end of the headers */
#define LIMIT_BODY_IDLE_MS        30000 /* without a byte of the body */
#define LIMIT_KEEPALIVE_MS        75000
#define LIMIT_BODY_BYTES          (512ull * MIB) /* a JSON or multipart body, media included */
#define LIMIT_MEDIA_BYTES         (5ull * 1024 * MIB)
#define LIMIT_TEXT_BYTES          (1 * MIB)  /* JSON that stays after media were taken out */
#define LIMIT_STRING_BYTES        (64 * KIB) /* a longer string must be base64 and becomes media */
#define LIMIT_DEPTH               32         /* of anything stored: the library's own bound */
#define LIMIT_REQUEST_DEPTH       24         /* of a request: envelope and record add levels */
#define LIMIT_ELEMENTS            20000
#define LIMIT_PARTS               64
#define LIMIT_PART_HEADER_BYTES   (4 * KIB)
#define LIMIT_BLOBS               32 /* media inside one request or answer */
#define LIMIT_RPC_FRAME_BYTES     (8 * MIB)
#define LIMIT_RPC_IN_FLIGHT       256 /* unanswered requests of one connection */
#define LIMIT_CONNECTIONS         1024
#define LIMIT_IN_FLIGHT           4096        /* unanswered requests of one agent */
#define LIMIT_OUT_QUEUE_BYTES     (256 * KIB) /* unsent bytes of a connection before its source is paused */
#define LIMIT_OUT_BYTES           (64 * MIB)  /* a connection is cut when more of its answers wait */
#define LIMIT_CLIENT_STALL_MS     (9 * 60 * 1000) /* an answer of which the client takes no byte */
#define LIMIT_REFUSED_CONNECTIONS 64              /* over the limit, kept until they are told so */
#define LIMIT_LINGER_BYTES        (64 * MIB) /* of a refused body, dropped so that the client reads its answer */
#define LIMIT_LINGER_MS           2000
#define LIMIT_RPC_HELD_BYTES      (64 * MIB) /* half-received frames of all connections of a listener */
#define LIMIT_WAIT_MS             (9 * 60 * 1000)
#define LIMIT_INLINE_BYTES        (4 * MIB) /* outputs put into one RPC answer */
#define LIMIT_LIST                100       /* tasks in one list answer */

/* the bus */
#define LIMIT_ENVELOPE_BYTES     (64 * KIB) /* a larger input goes by media reference */
#define LIMIT_MESSAGE_BYTES      (1 * MIB)
#define LIMIT_BUS_BUFFERED_BYTES (16 * MIB)
#define LIMIT_BUS_HELD_BYTES     (64 * MIB) /* publishes without their ack, kept to be sent again */
#define LIMIT_BUS_PENDING        65536      /* unanswered requests to NATS */
#define LIMIT_ACCEPT_MS          10000      /* a publish is repeated for as long */
#define LIMIT_RESEND_MS          2000
#define LIMIT_MEDIA_CHUNK_BYTES  (128 * KIB)
#define LIMIT_MEDIA_WINDOW       4   /* chunks on their way in each direction of one object */
#define LIMIT_MEDIA_CHUNKS_OUT   256 /* chunks of all puts on their way: below LIMIT_BUS_HELD_BYTES */
#define LIMIT_MEDIA_WIDE_GETS    64  /* with more gets than these each new one reads one chunk ahead */

/* a task */
#define LIMIT_DEADLINE_MS   (7ll * 24 * 3600 * 1000)
#define LIMIT_SEND_BY_MS    5000
#define LIMIT_HEARTBEAT_MS  10000
#define LIMIT_LOCAL_WAIT_MS 10000 /* a longer wait moves to SLUICE_POLL */
#define LIMIT_OUTPUTS       32
#define LIMIT_ATTEMPTS_KEPT 16 /* attempts written out in a record */

/* a vendor */
#define LIMIT_ANSWER_TEXT_BYTES   (1 * MIB)
#define LIMIT_ANSWER_BYTES        (512ull * MIB)
#define LIMIT_OUTPUT_BYTES        (5ull * 1024 * MIB)
#define LIMIT_CONNECT_MS          10000
#define LIMIT_STALL_MS            60000 /* a vendor that sends nothing for as long */
#define LIMIT_REDIRECTS           3
#define LIMIT_ANSWER_HEADER_BYTES (64 * KIB)
#define LIMIT_TOKENS              4096       /* access tokens that are kept */
#define LIMIT_TOKEN_ANSWER_BYTES  (64 * KIB) /* of a token endpoint */
#define LIMIT_TOKEN_MS            15000      /* for a token endpoint to answer */

/* files */
#define LIMIT_SPOOL_SMALL_BYTES (32 * KIB) /* of a spooled medium that stay in memory */
#define LIMIT_SPOOL_HELD_BYTES  (2 * MIB)  /* of all of them together */
#define LIMIT_FILE_BYTES        (1 * MIB)  /* a configuration or adapter file */
#define LIMIT_YAML_NODES        100000
#define LIMIT_YAML_DEPTH        64
#define LIMIT_YAML_ALIAS_BYTES  (1 * MIB) /* text that aliases repeat */
#define LIMIT_EXPRESSION_BYTES  (16 * KIB)
#define LIMIT_ADAPTERS          256
#define LIMIT_MODELS            1024

/* a schema */
#define LIMIT_SCHEMA_NODES       10000 /* schemas within one schema */
#define LIMIT_SCHEMA_DEPTH       64
#define LIMIT_SCHEMA_CHECK_DEPTH 256     /* schemas entered and not left during a check */
#define LIMIT_SCHEMA_STEPS       1000000 /* schemas visited and values compared in one check */
#define LIMIT_SCHEMA_COMPLAINTS  20
#define LIMIT_PATTERN_STEPS      200000 /* of one match, so that no text makes a pattern run for ever */
#define LIMIT_PATTERN_KIB        1024   /* memory of one match */

#endif
