/* case_upload.h - the uploads of a case: how far each medium is on its way to becoming an asset. */
#ifndef CORE_CASE_UPLOAD_H
#define CORE_CASE_UPLOAD_H

#include "base/limits.h"
#include "core/answer.h"
#include "core/render.h"

/* One medium. Zero-initialised: nothing has been uploaded. */
struct case_upload {
    const struct adapter_upload *upload;
    int number; /* the step that comes next */
    json_t *vars;
    json_t *medium; /* as expressions see it */
};

/* case_upload_begin - makes u ready for medium `index` of media (as case_media_place gives them). Faults:
 * BAD_VALUE (there is no such medium, its form is not asset, or its upload is over). */
enum fault case_upload_begin(struct case_upload *u, const struct adapter *a, const json_t *media,
                             unsigned index, struct note *note) MUSTCHECK;

/* case_upload_take - goes on by what the answer says; once the asset is there it takes its place in input. */
void case_upload_take(struct case_upload *u, unsigned index, const struct answer *answer, json_t *input);
void case_upload_done(struct case_upload *u);

#endif
