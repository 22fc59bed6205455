#include "config.h"
#include "command/queuerun.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/clock.h"
#include "command/dialogue.h"
#include "command/report.h"
#include "command/spooling.h"

struct queuerun_call {
    const struct queuerun *want;
    const struct paths *paths;
    struct caller_storage storage;
    struct caller caller;
    struct this_host host;
    struct configuration config;
    struct password_sources passwords;
    struct connection_options options;
};

static void show_dialogue(void *context, enum trace_kind kind, const char *line, size_t len)
{
    (void)context;
    dialogue_show(stderr, kind, line, len);
}

static void prepare(struct queuerun_call *c)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    c->passwords = (struct password_sources){
        .paths = c->paths,
        .caller = &c->caller,
        .credentials_directory = credentials ? credentials : "",
        .deadline = CLOCK_NEVER,
    };
    c->options = (struct connection_options){
        .passwords = &c->passwords,
        .host_name = c->host.full_name,
        .trace = c->want->verbose ? show_dialogue : NULL,
    };
}

static int run_level(struct queuerun_call *c, enum account_level level)
{
    const struct spooling_facts facts = {
        .program = c->want->program,
        .paths = c->paths,
        .caller = &c->caller,
        .host = &c->host,
        .config = &c->config,
        .options = &c->options,
    };
    struct spooling spooling;
    struct runner_result result = {0};
    struct error err;
    int code = EX_OK;
    enum spooling_result opened = spooling_open(&spooling, &facts, level, false, &err);
    if (opened == SPOOLING_OPEN) {
        spooling_note_run(&spooling);
        if (!runner_run(&spooling.relay, &c->want->filter, &result, &err))
            opened = SPOOLING_TROUBLE;
        else if (result.trouble)
            code = EX_IOERR;
    }
    if (opened == SPOOLING_TROUBLE) {
        report_error(c->want->program, &err);
        code = err.code;
    }
    spooling_close(&spooling);
    return code;
}

int queuerun_run(const struct queuerun *want, const struct paths *paths)
{
    static const enum account_level levels[] = {LEVEL_USER, LEVEL_SYSTEM};
    struct queuerun_call c = {.want = want, .paths = paths};
    struct error err;
    int code = EX_OK;
    caller_find(&c.caller, &c.storage);
    this_host_read(&c.host, paths);
    if (configuration_read(&c.config, paths, &c.caller, want->file, &err)) {
        prepare(&c);
        for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
            int result = run_level(&c, levels[i]);
            code = code == EX_OK ? result : code;
        }
    } else {
        report_error(want->program, &err);
        code = err.code;
    }
    configuration_clear(&c.config);
    this_host_clear(&c.host);
    caller_clear(&c.storage);
    return code;
}
