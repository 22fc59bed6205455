/* The content on its way out, by DATA with its dots (RFC 5321, 4.5.2) or by BDAT (RFC 3030). In
 * blocks, each of which has SPAN milliseconds to leave: so the time is bounded by the size, and the
 * memory by the block. Afterwards the replies are due. */
#ifndef TRANSFER_H
#define TRANSFER_H

#include <stdbool.h>
#include <stddef.h>

#include "message/content.h"
#include "smtp/wire.h"

enum { TRANSFER_BLOCK = 64 * 1024 };

/* Queues CONTENT, of SESSION_INLINE_MAX octets or less, with its BDAT LAST behind what is queued.
 */
bool transfer_queue_chunk(struct wire *wire, const struct content *content, struct error *err);

/* Writes all of CONTENT as one BDAT LAST. The wire must have begun a group. */
bool transfer_chunk(struct wire *wire, const struct content *content, int64_t span,
                    struct error *err);

/* Queues CONTENT and the final dot, for after a 354: more of it than a block is written before the
 * rest is queued. REPLIES will be due. */
bool transfer_queue_data(struct wire *wire, const struct content *content, size_t replies,
                         int64_t span, struct error *err);

/* Writes all of CONTENT and the final dot, for after a 354; REPLIES will be due. */
bool transfer_data(struct wire *wire, const struct content *content, size_t replies, int64_t span,
                   struct error *err);

/* Queues the final dot alone. */
void transfer_queue_nothing(struct wire *wire);

/* Writes the final dot alone, for a 354 that nobody wanted. */
bool transfer_nothing(struct wire *wire, int64_t span, struct error *err);

#endif
