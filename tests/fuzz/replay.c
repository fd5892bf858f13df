/* replay.c - runs a fuzz target over the files and folders named on the command line: the corpus is a test in
 * every build. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(1 << 20);
    size_t n = f && data ? fread(data, 1, 1 << 20, f) : 0;

    if (!f || !data) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(1);
    }
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    return 1;
}

static int replay_folder(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *e;
    int count = 0;

    if (!d) {
        return replay_file(path);
    }
    while ((e = readdir(d)) != NULL) {
        char file[4096];
        if (e->d_name[0] != '.') {
            snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
            count += replay_file(file);
        }
    }
    closedir(d);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++) {
        count += replay_folder(argv[i]);
    }
    printf("replayed %d inputs\n", count);
    return count > 0 ? 0 : 1;
}
