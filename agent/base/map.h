/* map.h - text to pointer, hashed with a secret seed, at most max entries. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map;

/* map_new - an empty map that never holds more than max entries. Keys are copied, values are borrowed. */
struct map *map_new(size_t max);
void map_free(struct map **m);

/* map_put - sets key to value (not NULL), replacing what was there. False when the map is full. */
bool map_put(struct map *m, const char *key, void *value);

/* map_find - the value, or NULL. */
void *map_find(const struct map *m, const char *key);

/* map_drop - removes key and gives the value it had, or NULL. */
void *map_drop(struct map *m, const char *key);

size_t map_count(const struct map *m);

/* map_next - walks in no order: *cursor starts at 0, NULL ends the walk. The entry just given may be
 * dropped during the walk; nothing may be put. ret_key may be NULL. */
void *map_next(const struct map *m, size_t *cursor, const char **ret_key);

#endif
