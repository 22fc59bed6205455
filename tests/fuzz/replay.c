/* Gives every file of a target's corpus to its LLVMFuzzerTestOneInput(), once, and says so in TAP:
 * what a fuzzer found stays found, without a fuzzer. The corpora are the directories given as
 * arguments; without any, $srcdir/fuzz/corpus/NAME for a program called fuzz_NAME. */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/fileread.h"
#include "base/memory.h"
#include "base/str.h"

enum { INPUT_MAX = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of the exact size, so that the address sanitizer sees a read behind the end. */
static void run_one(const struct str *input)
{
    char *exact = malloc(input->len ? input->len : 1);
    if (!exact)
        abort();
    memcpy(exact, str_text(input), input->len);
    (void)LLVMFuzzerTestOneInput((const uint8_t *)exact, input->len); /* always 0 */
    free(exact);
}

/* Returns how many files there were. */
static int replay(const char *directory, int count)
{
    struct dirent **list;
    int n = scandir(directory, &list, NULL, alphasort);
    if (n < 0) {
        perror(directory);
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < n; i++) {
        struct str path = {0}, input = {0};
        struct error err;
        str_addf(&path, "%s/%s", directory, list[i]->d_name);
        if (list[i]->d_name[0] != '.') {
            bool ok = fileread_all(path.data, INPUT_MAX, &input, NULL, &err);
            if (ok)
                run_one(&input);
            count++;
            printf("%sok %d - %s\n", ok ? "" : "not ", count, list[i]->d_name);
            (void)fflush(stdout); /* so that the log shows which file came before a crash */
        }
        str_clear(&path);
        str_clear(&input);
        free(list[i]);
    }
    free(list);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++)
        count = replay(argv[i], count);
    if (argc == 1) {
        const char *base = strrchr(argv[0], '/');
        const char *name = strstr(base ? base : argv[0], "fuzz_");
        const char *srcdir = getenv("srcdir");
        if (!name)
            return EXIT_FAILURE;
        struct str path = {0};
        str_addf(&path, "%s/fuzz/corpus/%s", srcdir ? srcdir : ".", name + strlen("fuzz_"));
        count = replay(path.data, count);
        str_clear(&path);
    }
    struct str nothing = {0};
    run_one(&nothing);
    printf("ok %d - nothing at all\n1..%d\n", count + 1, count + 1);
    return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
