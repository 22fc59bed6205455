/* Log lines of each form, made of foreign words: each is one line, and no value ends before its
 * end. Words are separated by NUL. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/memory.h"
#include "delivery/jsonlog.h"
#include "delivery/postfixlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 5 };

static void require(bool what)
{
    if (!what)
        abort();
}

/* Nothing is left to escape. */
static void check_line(const char *line)
{
    struct str again = {0};
    size_t len = strlen(line);
    for (size_t i = 0; i < len; i++)
        require((unsigned char)line[i] >= ' ' && line[i] != 0x7f);
    escape_line(&again, line, len);
    require(again.len == len && memcmp(str_text(&again), line, len) == 0);
    str_clear(&again);
}

/* A value in angle brackets, from NAME to the first '>', is followed by END. */
static void check_brackets(const char *line, const char *name, const char *end)
{
    const char *at = strstr(line, name);
    require(at && (at = strchr(at, '>')) && strncmp(at, end, strlen(end)) == 0);
}

static void check_postfix(void *context, const struct log_record *record)
{
    (void)context;
    check_line(record->text);
    if (strcmp(record->program, "onehop/smtp") != 0)
        return;
    check_brackets(record->text, ": to=<", ">, relay=");
    const char *end = strrchr(record->text, ')');
    require(end && strncmp(end, "), account=", 11) == 0);
}

/* Members, strings and numbers: the keys are ours, and there are eighteen. */
static void check_json(void *context, const struct log_record *record)
{
    size_t *objects = context, keys = 0;
    const char *at = record->text;
    check_line(at);
    require(*at == '{');
    while (*at == '{' || *at == ',') {
        at += *at == '{' ? 1 : 2;
        require(*at++ == '"');
        at += strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        require(strncmp(at, "\": ", 3) == 0);
        at += 3;
        if (*at == '"') {
            for (at++; *at && *at != '"'; at++)
                at += *at == '\\';
            require(*at++ == '"');
        } else {
            at += strspn(at, "0123456789.");
        }
        keys++;
    }
    require(strcmp(at, "}") == 0 && keys == 18);
    ++*objects;
}

static void check_forms(const struct logline *facts)
{
    static const char end[] = " exitcode=EX_NOUSER";
    struct str line = {0};
    size_t objects = 0;
    logline_format(facts, &line);
    check_line(str_text(&line));
    require(line.len >= strlen(end) && strcmp(line.data + line.len - strlen(end), end) == 0);
    str_clear(&line);
    const struct log_sink postfix = {check_postfix, NULL}, json = {check_json, &objects};
    postfixlog_write(facts, &postfix);
    jsonlog_write(facts, &json);
    require(objects == facts->envelope->n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str word[WORDS] = {{0}};
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (data[i])
            str_add_char(&word[n], (char)data[i]);
        else if (++n == WORDS)
            break;
    }
    struct account *account = account_new(str_text(&word[3]), SCOPE_USER);
    struct envelope envelope = {0};
    envelope_set_sender(&envelope, str_text(&word[0]));
    (void)envelope_add(&envelope, str_text(&word[1]));
    struct error err = {.reply_code = 550};
    (void)snprintf(err.reply, sizeof err.reply, "%s", str_text(&word[2]));
    (void)snprintf(err.text, sizeof err.text, "%s", str_text(&word[3]));
    struct content content = {0};
    str_addf(&content.memory, "Message-ID: %s\r\n\r\n", str_text(&word[4]));
    content.size = content.memory.len;
    struct outcome outcome = {0};
    struct attempt attempt = {.outcomes = &outcome, .n = 1, .failed = true, .failure = err};
    struct logline facts = {.account = account,
                            .host = str_text(&word[0]),
                            .envelope = &envelope,
                            .content = &content,
                            .error = &err,
                            .queue_id = "",
                            .code = 67,
                            .attempt = &attempt,
                            .address = str_text(&word[4])};
    struct str id = {0};
    logline_message_id(&facts, &id);
    facts.message_id = str_text(&id);
    check_forms(&facts);
    outcome.result = OUTCOME_SENT;
    str_add(&attempt.reply, str_text(&word[2]));
    check_forms(&facts);
    facts.attempt = NULL;
    check_forms(&facts);
    str_clear(&id);
    str_clear(&attempt.reply);
    content_clear(&content);
    envelope_clear(&envelope);
    account_free(account);
    for (size_t i = 0; i < WORDS; i++)
        str_clear(&word[i]);
    return 0;
}
