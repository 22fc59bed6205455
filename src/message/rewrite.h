/* Fields that a caller wrote and that cannot leave as they are: senders the provider will not take,
 * bare addresses, text that is not ASCII. Steps of complete_header(), which says what each does. */
#ifndef REWRITE_H
#define REWRITE_H

#include "message/complete.h"
#include "message/header.h"

void rewrite_senders(struct header *header, const struct completion *want);

/* Appends all addresses that rewrite_senders() looks at. */
void rewrite_read_senders(const struct header *header, struct address_list *list);

void rewrite_qualify(struct header *header, const char *domain);
void rewrite_encode(struct header *header);

#endif
