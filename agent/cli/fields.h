/* fields.h - a task's input from words of the command line: key=value, key:=json, key=@file. */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include <jansson.h>

#include "base/auto.h"
#include "base/fault.h"

/* fields_add - puts one word into input (an object).
 *
 *   prompt=a fox            text where the schemas say text, also when it looks like a number
 *   n=2, sound=true         numbers and booleans where the schemas say so; a field that no schema knows takes
 * what it looks like images=https://…        one more element where the schemas say list messages:=[{…}] JSON
 * as it stands text=@speech.txt        the text of a file, "@-" of the standard input vendor.cfg_scale=7 a
 * member of an object
 *
 * Faults: BAD_VALUE, IO (the note says why). */
enum fault fields_add(json_t *input, const char *word, struct note *note) MUSTCHECK;

/* fields_text - only texts, no objects: for metadata. */
enum fault fields_add_text(json_t *object, const char *word, struct note *note) MUSTCHECK;

#endif
