#include "config.h"
#include "smtp/reply.h"

#include <string.h>
#include <sysexits.h>

#include "base/escape.h"
#include "base/translation.h"

static bool malformed(struct error *err, const char *what, const struct str *line)
{
    (void)error_set(err, ERROR_ACCOUNT, ERROR_TEMPORARY, EX_PROTOCOL, "%s", what);
    (void)error_add(err, ": ", "'%.80s'", str_text(line));
    return error_prefix(err, "the server's reply is malformed");
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The reply code of a line (RFC 5321, 4.2), 0 if it has none. */
static int line_code(const struct str *line)
{
    const char *c = str_text(line);
    if (line->len < 3 || c[0] < '2' || c[0] > '5' || !is_digit(c[1]) || !is_digit(c[2]))
        return 0;
    return (c[0] - '0') * 100 + (c[1] - '0') * 10 + (c[2] - '0');
}

/* Takes "5.1.10 ..." for a status code (RFC 2034, 3) if its class fits the reply's. */
static void take_status(struct reply *reply, const char *text)
{
    size_t len = 0, dots = 0, digits = 0;
    for (const char *c = text; is_digit(*c) || *c == '.'; c++, len++) {
        digits = *c == '.' ? 0 : digits + 1;
        dots += *c == '.';
        if (digits > 3 || (*c == '.' && (len == 0 || c[-1] == '.')))
            return;
    }
    if (dots != 2 || digits == 0 || len >= sizeof reply->status || text[1] != '.' ||
        text[0] - '0' != reply->code / 100 || (text[len] != ' ' && text[len] != '\0'))
        return;
    memcpy(reply->status, text, len);
    reply->status[len] = '\0';
}

static bool line_ended(struct reply *reply, struct error *err)
{
    struct str *line = &reply->line;
    if (line->len > 0 && line->data[line->len - 1] == '\r')
        str_truncate(line, line->len - 1);
    int code = line_code(line);
    char separator = line->len > 3 ? line->data[3] : ' ';
    if (code == 0)
        return malformed(err, N_("no reply code"), line);
    if (separator != ' ' && separator != '-')
        return malformed(err, N_("no blank behind the code"), line);
    if (reply->code != 0 && code != reply->code)
        return malformed(err, N_("the code changes between lines"), line);
    bool first = reply->code == 0;
    reply->code = code;
    if (!first && reply->text.len < REPLY_TEXT_MAX)
        str_add_char(&reply->text, '\n');
    size_t start = reply->text.len;
    if (line->len > 4)
        escape_line(&reply->text, line->data + 4, line->len - 4);
    if (!reply->status[0])
        take_status(reply, str_text(&reply->text) + start);
    if (reply->text.len > REPLY_TEXT_MAX)
        str_truncate(&reply->text, REPLY_TEXT_MAX);
    str_truncate(line, 0);
    reply->complete = separator == ' ';
    return true;
}

bool reply_add(struct reply *reply, const char *data, size_t len, size_t *used, struct error *err)
{
    *used = 0;
    while (*used < len && !reply->complete) {
        const char *from = data + *used;
        const char *end = memchr(from, '\n', len - *used);
        size_t n = end ? (size_t)(end - from) : len - *used;
        size_t room = REPLY_TEXT_MAX - reply->line.len;
        str_add_n(&reply->line, from, n < room ? n : room);
        *used += n + (end ? 1 : 0);
        reply->total += n + (end ? 1 : 0);
        if (reply->total > REPLY_TOTAL_MAX)
            return malformed(err, N_("it does not end"), &reply->line);
        if (end && !line_ended(reply, err))
            return false;
    }
    return true;
}

void reply_print(const struct reply *reply, struct str *out)
{
    const char *line = str_text(&reply->text);
    for (;;) {
        size_t len = strcspn(line, "\n");
        str_addf(out, "%03d%c", reply->code, line[len] ? '-' : ' ');
        str_add_n(out, line, len);
        if (!line[len])
            return;
        str_add_char(out, '\n');
        line += len + 1;
    }
}

void reply_begin(struct reply *reply)
{
    struct str text = reply->text, line = reply->line;
    str_truncate(&text, 0);
    str_truncate(&line, 0);
    *reply = (struct reply){.text = text, .line = line};
}

void reply_clear(struct reply *reply)
{
    str_clear(&reply->text);
    str_clear(&reply->line);
    *reply = (struct reply){0};
}
