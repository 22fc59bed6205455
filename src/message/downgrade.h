/* 8-bit content for a server that takes none (no 8BITMIME; RFC 6152, section 3): text becomes
 * quoted-printable or base64, other data base64, each part of a multipart and each message inside
 * separately; 8-bit text in a header becomes encoded words. It is converted while it is read, in
 * constant memory. */
#ifndef DOWNGRADE_H
#define DOWNGRADE_H

#include <stdbool.h>

#include "base/error.h"
#include "message/content.h"

struct downgrade;

/* Makes OUT the 7-bit form of IN, which must live as long and not be read otherwise: read once from
 * its start, it gives as many octets as its size says; reading from an earlier place starts over.
 * IN is read twice for it. The header of a part that changes gets its encoding, and, where it names
 * no type, text/plain with the character set (RFC 1428: unknown-8bit where it is not UTF-8). 8-bit
 * octets inside multipart/signed cannot be converted: message, permanent, EX_UNAVAILABLE, 5.6.3.
 * Free with downgrade_free() when OUT is done with. NULL: ERR. */
struct downgrade *downgrade_open(const struct content *in, struct content *out, struct error *err);

void downgrade_free(struct downgrade *downgrade); /* NULL is allowed */

#endif
