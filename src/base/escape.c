#include "config.h"
#include "base/escape.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

size_t escape_utf8_sequence(const char *text, size_t len)
{
    const unsigned char *c = (const unsigned char *)text;
    if (len == 0)
        return 0;
    if (c[0] < 0x80)
        return 1;
    size_t need = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
    if (c[0] < 0xc2 || c[0] > 0xf4 || len < need)
        return 0;
    for (size_t i = 1; i < need; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
        (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f))
        return 0;
    return need;
}

bool escape_is_utf8(const char *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        size_t step = escape_utf8_sequence(text + i, len - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static bool is_control(char c)
{
    return (unsigned char)c < ' ' || c == 127;
}

/* A character that a terminal or a viewer of logs obeys: C1 controls, what ends a line, what
 * changes the direction of the text (UAX 9). */
static bool is_obeyed(const char *text, size_t step)
{
    const unsigned char *c = (const unsigned char *)text;
    if (step == 1)
        return is_control(*text) || *text == '<' || *text == '>';
    if (step == 2)
        return (c[0] == 0xc2 && c[1] < 0xa0) || (c[0] == 0xd8 && c[1] == 0x9c);
    if (step != 3 || c[0] != 0xe2)
        return false;
    return c[1] == 0x80 ? c[2] == 0x8e || c[2] == 0x8f || (c[2] >= 0xa8 && c[2] <= 0xae)
                        : c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9;
}

/* The length of "<>", "<local@domain>" or, as replies to DATA have it, "<CRLF>" at TEXT; 0 if it is
 * anything else in angle brackets, which could be a tag: a log file may end up in a browser, or be
 * taken for a script by a web server. */
static size_t angle_address(const char *text, size_t len)
{
    size_t n = 1, ats = 0, line_end = 1;
    if (len < 2 || text[0] != '<')
        return 0;
    for (; n < len && (isalnum((unsigned char)text[n]) || strchr("@.+-_", text[n])); n++) {
        if (!text[n])
            return 0;
        ats += text[n] == '@';
        line_end += strchr("CRLF", text[n]) != NULL;
    }
    bool plain = n == line_end, address = ats == 1 && text[1] != '@' && text[n - 1] != '@';
    return n < len && text[n] == '>' && (plain || address) ? n + 1 : 0;
}

/* What of TEXT is shown as it is: an octet, a character, an address; 0: nothing. */
static size_t shown(const char *text, size_t len)
{
    size_t address = angle_address(text, len), step = escape_utf8_sequence(text, len);
    return address ? address : is_obeyed(text, step) ? 0 : step;
}

/* Octets of TEXT that nothing obeys, one by one. */
static size_t harmless(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && text[n] >= ' ' && text[n] < 127 && text[n] != '<' && text[n] != '>')
        n++;
    return n;
}

size_t escape_text(char *text, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len;) {
        size_t n = harmless(text + i, len - i), step = 0;
        if (n == 0) {
            n = shown(text + i, len - i);
            step = escape_utf8_sequence(text + i, len - i);
        }
        memmove(text + to, n ? text + i : "?", n ? n : 1);
        to += n ? n : 1;
        i += n ? n : step ? step : 1;
    }
    text[to] = '\0';
    return to;
}

void escape_line(struct str *out, const char *text, size_t len)
{
    size_t start = out->len;
    str_add_n(out, text, len);
    if (len > 0)
        str_truncate(out, start + escape_text(out->data + start, len));
}

bool escape_has_control(const char *text)
{
    while ((unsigned char)*text >= ' ' && *text != 127)
        text++;
    return *text != '\0';
}

bool escape_has_8bit(const char *text, size_t len)
{
    size_t i = 0;
    uint64_t seen = 0, eight;
    for (; len - i >= sizeof eight; i += sizeof eight) {
        memcpy(&eight, text + i, sizeof eight);
        seen |= eight;
    }
    for (; i < len; i++)
        seen |= (unsigned char)text[i];
    return (seen & 0x8080808080808080) != 0;
}

bool escape_is_ascii(const char *text)
{
    return !escape_has_8bit(text, strlen(text));
}
