/* case_media.h - the media of a case's input, placed as the agent would place them. */
#ifndef CORE_CASE_MEDIA_H
#define CORE_CASE_MEDIA_H

#include "core/adapter.h"

/* case_media_place - a copy of input with its media ({"media"} or {"url"}, wherever media may stand: spot.h)
 * in the first form of op that they can take: a URL only where there is one, any other form always.
 * ret_media: those that got an index, for struct render_in; with "upload" and "token" for the form asset, in
 * whose place stands the text "asset:<index>". Tokens hold nonce. Caller decrefs both. Faults:
 * VENDOR_REJECTED (op takes no such medium there, or none so large); the note's field is the culprit. */
enum fault case_media_place(const struct adapter_op *op, const json_t *input, const char nonce[17],
                            json_t **ret_input, json_t **ret_media, struct note *note) MUSTCHECK;

#endif
