/* The command line of any caller, split at NUL octets; the first octet says how the program is
 * called. As sendmail, or behind --untrusted-args, nothing that was accepted names a file, a server
 * or a setting of an account but how mail is delivered; under no name is a control character
 * accepted. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/memory.h"
#include "cli/invocation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 64 };

static const char *const names[] = {"sendmail", "onehop", "msmtp", "mailq", "newaliases", "runq"};

static void check_untrusted(const struct invocation *call)
{
    if (call->file || call->host || call->rmqs || call->configure)
        abort();
    for (size_t i = 0; i < call->overrides; i++)
        if (strcmp(call->override[i].key->name, "delivery_mode") != 0)
            abort();
}

static void check(const struct invocation *call, bool untrusted)
{
    const struct submission_wishes *w = &call->wishes;
    if ((w->from && escape_has_control(w->from)) || escape_has_control(w->full_name) ||
        escape_has_control(w->account) || escape_has_control(call->envid))
        abort();
    if (untrusted)
        check_untrusted(call);
}

/* Words from TEXT, which ends in a NUL, go behind those that are in ARGV. */
static int split(char *text, size_t size, char **argv, int argc)
{
    for (char *at = text; at < text + size && argc < WORDS_MAX - 1; at += strlen(at) + 1)
        argv[argc++] = at;
    argv[argc] = NULL;
    return argc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char untrusted_args[] = "--untrusted-args", *argv[WORDS_MAX];
    struct invocation call = {0};
    struct error err = {0};
    if (size == 0)
        return 0;
    size_t which = data[0] % (sizeof names / sizeof *names);
    bool untrusted = which == 0;
    char *name = memory_copy(names[which]);
    char *text = memory_copy_n((const char *)data + 1, size - 1);
    int argc = 0;
    argv[argc++] = name;
    if (which == 1 && data[0] >= 128) {
        argv[argc++] = untrusted_args;
        untrusted = true;
    }
    argc = split(text, size - 1, argv, argc);
    if (invocation_parse(&call, argc, argv, &err))
        check(&call, untrusted);
    else if (err.code != EX_USAGE || !*err.text)
        abort();
    invocation_clear(&call);
    free(text);
    free(name);
    return 0;
}
