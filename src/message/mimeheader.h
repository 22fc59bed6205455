/* What the header of a message or of a body part says about its body (RFC 2045, RFC 2046). */
#ifndef MIMEHEADER_H
#define MIMEHEADER_H

#include <stdbool.h>
#include <stddef.h>

enum {
    MIME_FIELD_MAX = 4096,  /* octets of a field that are looked at */
    MIME_BOUNDARY_MAX = 70, /* RFC 2046, 5.1.1 */
};

enum mime_kind {
    MIME_TEXT, /* what says nothing, too */
    MIME_DATA,
    MIME_MULTIPART, /* with a boundary */
    MIME_SIGNED,    /* multipart/signed (RFC 1847): no octet of it may change */
    MIME_MESSAGE,   /* a message with a header of its own */
};

enum mime_encoding { MIME_UNENCODED, MIME_QUOTED_PRINTABLE, MIME_BASE64 };

struct mime_header {
    enum mime_kind kind;
    enum mime_encoding encoding;
    bool has_type, has_version;
    bool says_8bit; /* the encoding is 8bit or binary */
    bool digest;    /* multipart/digest: its parts are messages unless they say otherwise */
    char boundary[MIME_BOUNDARY_MAX + 1];
};

/* Notes what one FIELD of LEN octets says: unfolded, or with its folds, without its line end; what
 * is beyond MIME_FIELD_MAX does not count. */
void mimeheader_take(struct mime_header *header, const char *field, size_t len);

/* True if the field is called NAME. */
bool mimeheader_is(const char *field, size_t len, const char *name);

#endif
