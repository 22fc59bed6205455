#include "config.h"
#include "queue/tokenizer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/memory.h"
#include "queue/checksum.h"

static const char seal[] = " sum ";

enum { SEAL_LENGTH = sizeof seal - 1 + 16 };

static void add_coded(struct str *out, unsigned char c)
{
    str_addf(out, "%%%02X", c);
}

void tokenizer_add(struct str *out, const char *text)
{
    if (!text || !*text) {
        str_add_char(out, '-');
        return;
    }
    if (strcmp(text, "-") == 0) {
        add_coded(out, '-');
        return;
    }
    while (*text) {
        const char *start = text;
        while ((unsigned char)*text > ' ' && *text != 127 && *text != '%')
            text++;
        str_add_n(out, start, (size_t)(text - start));
        if (*text)
            add_coded(out, (unsigned char)*text++);
    }
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
           c == '-';
}

void tokenizer_add_name(struct str *out, const char *text)
{
    size_t start = out->len;
    for (const char *c = text; *c; c++)
        if (is_plain(*c))
            str_add_char(out, *c);
        else
            add_coded(out, (unsigned char)*c);
    if (out->len - start <= TOKENIZER_NAME_MAX)
        return;
    str_truncate(out, start);
    str_addf(out, "%%%016llx", (unsigned long long)checksum_of(text, strlen(text), 0));
}

void tokenizer_seal(struct str *out, size_t start)
{
    uint64_t sum = checksum_of(out->data + start, out->len - start, 0);
    str_addf(out, "%s%016" PRIx64 "\n", seal, sum);
}

bool tokenizer_open(struct tokenizer *tokens, const char *data, size_t len)
{
    const char *end = memchr(data, '\n', len);
    uint64_t sum;
    if (!end || end - data < SEAL_LENGTH || memcmp(end - SEAL_LENGTH, seal, sizeof seal - 1) != 0)
        return false;
    struct tokenizer number = {end - SEAL_LENGTH + sizeof seal - 1, end};
    *tokens = (struct tokenizer){data, end - SEAL_LENGTH};
    return tokenizer_hex(&number, &sum) && tokenizer_end(&number) &&
           sum == checksum_of(data, (size_t)(tokens->end - data), 0);
}

/* The octets of the next token: up to a single blank or the end. A token has at least one. */
static bool cut(struct tokenizer *tokens, const char **token, size_t *len)
{
    if (tokens->at >= tokens->end)
        return false;
    const char *blank = memchr(tokens->at, ' ', (size_t)(tokens->end - tokens->at));
    const char *stop = blank ? blank : tokens->end;
    if (stop == tokens->at || stop + 1 == tokens->end)
        return false; /* two blanks in a row, or one at the end, were never written */
    *token = tokens->at;
    *len = (size_t)(stop - tokens->at);
    tokens->at = blank ? blank + 1 : stop;
    return true;
}

/* Decodes LEN octets at TOKEN to OUT, which has room for as many. False if they are not coded well.
 */
static bool decode(char *out, const char *token, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)token[i];
        if (c < ' ' || c == 127)
            return false;
        if (c == '%') {
            int high = i + 2 < len ? hex_value(token[i + 1]) : -1;
            int low = i + 2 < len ? hex_value(token[i + 2]) : -1;
            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (unsigned char)(high << 4 | low);
            i += 2;
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

char *tokenizer_next(struct tokenizer *tokens)
{
    const char *token;
    size_t len;
    if (!cut(tokens, &token, &len))
        return NULL;
    if (len == 1 && *token == '-')
        return memory_copy("");
    char *text = memory_new(len + 1);
    if (decode(text, token, len))
        return text;
    free(text);
    return NULL;
}

bool tokenizer_decimal(struct tokenizer *tokens, uint64_t limit, uint64_t *number)
{
    const char *token;
    size_t len;
    if (!cut(tokens, &token, &len))
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned step = (unsigned)(unsigned char)token[i] - '0';
        if (step > 9 || n > (UINT64_MAX - step) / 10)
            return false;
        n = n * 10 + step;
    }
    *number = n;
    return n <= limit;
}

bool tokenizer_hex(struct tokenizer *tokens, uint64_t *number)
{
    const char *token;
    size_t len;
    if (!cut(tokens, &token, &len) || len > 16)
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++) {
        char c = token[i];
        unsigned step = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                        : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                               : 16;
        if (step > 15)
            return false;
        n = n << 4 | step;
    }
    *number = n;
    return true;
}

bool tokenizer_time(struct tokenizer *tokens, int64_t *time)
{
    uint64_t number;
    if (!tokenizer_decimal(tokens, TOKENIZER_TIME_MAX, &number))
        return false;
    *time = (int64_t)number;
    return true;
}

bool tokenizer_is(struct tokenizer *tokens, const char *text)
{
    struct tokenizer ahead = *tokens;
    const char *token;
    size_t len;
    if (!cut(&ahead, &token, &len) || len != strlen(text) || memcmp(token, text, len) != 0)
        return false;
    *tokens = ahead;
    return true;
}

bool tokenizer_end(const struct tokenizer *tokens)
{
    return tokens->at >= tokens->end;
}
