#include "config.h"
#include "message/transferencoding.h"

#include "base/base64.h"

enum { COLUMNS = 76 };

static void add_octet(struct encoder *encoder, unsigned char c, bool escape, struct str *out)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t width = escape ? 3 : 1;
    if (encoder->column + width >= COLUMNS) { /* one is left for the '=' */
        str_add(out, "=\r\n");
        encoder->column = 0;
    }
    if (escape) {
        const char text[] = {'=', digits[c >> 4], digits[c & 15]};
        str_add_n(out, text, sizeof text);
    } else {
        str_add_char(out, (char)c);
    }
    encoder->column += width;
}

static void add_quoted(struct encoder *encoder, const char *line, size_t len, struct str *out)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        bool last = i + 1 < len && line[i + 1] == '\r';
        if (c == '\n') {
            str_add(out, "\r\n");
            encoder->column = 0;
        } else if (c != '\r') {
            bool blank = c == ' ' || c == '\t';
            add_octet(encoder, c, blank ? last : c < ' ' || c > 126 || c == '=', out);
        }
    }
}

/* What there is keeps its lines, which may be as long as they like. */
static void mend_quoted(struct encoder *encoder, const char *line, size_t len, struct str *out)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c > 127) {
            add_octet(encoder, c, true, out);
        } else {
            str_add_char(out, (char)c);
            encoder->column = c == '\n' ? 0 : encoder->column + 1;
        }
    }
}

static void flush_group(struct encoder *encoder, struct str *out)
{
    if (encoder->grouped == 0)
        return;
    base64_encode(out, encoder->group, encoder->grouped);
    str_add(out, "\r\n");
    encoder->grouped = 0;
}

static void add_grouped(struct encoder *encoder, const char *data, size_t len, struct str *out)
{
    for (size_t i = 0; i < len; i++) {
        encoder->group[encoder->grouped++] = (unsigned char)data[i];
        if (encoder->grouped == sizeof encoder->group)
            flush_group(encoder, out);
    }
}

static void add_base64(struct encoder *encoder, const char *line, size_t len, struct str *out)
{
    if (encoder->line_end)
        add_grouped(encoder, "\r\n", 2, out);
    encoder->line_end = len > 0 && line[len - 1] == '\n';
    len -= encoder->line_end;
    len -= encoder->line_end && len > 0 && line[len - 1] == '\r';
    add_grouped(encoder, line, len, out);
}

void encoder_add(struct encoder *encoder, const char *line, size_t len, struct str *out)
{
    switch (encoder->form) {
    case ENCODING_NONE:
        str_add_n(out, line, len);
        break;
    case ENCODING_QUOTED:
        add_quoted(encoder, line, len, out);
        break;
    case ENCODING_BASE64:
        add_base64(encoder, line, len, out);
        break;
    case ENCODING_MEND_QUOTED:
        mend_quoted(encoder, line, len, out);
        break;
    case ENCODING_MEND_BASE64:
    case ENCODING_MASK:
        for (size_t i = 0; i < len; i++)
            if ((unsigned char)line[i] < 128)
                str_add_char(out, line[i]);
            else if (encoder->form == ENCODING_MASK)
                str_add_char(out, '?');
        break;
    }
}

void encoder_end(struct encoder *encoder, bool before_boundary, struct str *out)
{
    if (encoder->form == ENCODING_BASE64) {
        if (encoder->line_end && !before_boundary)
            add_grouped(encoder, "\r\n", 2, out);
        flush_group(encoder, out);
    }
    *encoder = (struct encoder){.form = ENCODING_NONE};
}
