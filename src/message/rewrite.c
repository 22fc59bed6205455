#include "config.h"
#include "message/rewrite.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/memory.h"

static const char *const address_fields[] = {
    "From",        "Sender",        "Reply-To",        "To",        "Cc",        "Bcc",
    "Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc", "Resent-Bcc",
};

/* Fields that programs read: an encoded word has no place there. */
static const char *const structured_fields[] = {
    "Content-",
    "MIME-Version",
    "Message-ID",
    "In-Reply-To",
    "References",
    "Received",
    "Date",
    "List-",
    "ARC-",
    "DKIM-Signature",
    "Authentication-Results",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool is_bare(const char *mailbox)
{
    return *mailbox && mailbox[address_local_length(mailbox)] == '\0';
}

static void qualify(char **mailbox, const char *domain)
{
    if (!*domain || !is_bare(*mailbox))
        return;
    struct str full = {0};
    str_addf(&full, "%s@%s", *mailbox, domain);
    free(*mailbox);
    *mailbox = str_take(&full);
}

static void replace_with_list(struct header *header, size_t at, const struct address_list *list)
{
    struct str value = {0};
    address_list_format(&value, list);
    header_replace(header, at, str_text(&value));
    str_clear(&value);
}

void rewrite_qualify(struct header *header, const char *domain)
{
    if (!*domain)
        return;
    for (size_t i = 0; i < header->n; i++) {
        struct field *field = &header->field[i];
        if (!header_is_one_of(field->name, address_fields, COUNT(address_fields)))
            continue;
        struct address_list list = {0};
        bool changed = false;
        address_list_parse(&list, field->value, strlen(field->value));
        for (size_t k = 0; k < list.n; k++) {
            changed |= is_bare(list.item[k].mailbox);
            qualify(&list.item[k].mailbox, domain);
        }
        if (changed)
            replace_with_list(header, i, &list);
        address_list_clear(&list);
    }
}

/* Whether DOMAIN means nothing outside of this host or its network. */
static bool is_local(const char *domain, const char *host)
{
    static const char *const suffixes[] = {".local", ".localdomain", ".internal", ".invalid"};
    size_t len = strlen(domain);
    if (!strchr(domain, '.') || strcasecmp(domain, host) == 0)
        return true;
    for (size_t i = 0; i < COUNT(suffixes); i++) {
        size_t suffix = strlen(suffixes[i]);
        if (len >= suffix && strcasecmp(domain + len - suffix, suffixes[i]) == 0)
            return true;
    }
    return false;
}

static bool is_single(const char *name)
{
    return strncasecmp(name, "Resent-", 7) != 0;
}

/* Appends the addresses of the fields NAME: all of them, or the first of a Resent field. */
static void read_senders(const struct header *header, const char *name, struct address_list *list)
{
    size_t at = header_find(header, name, 0);
    if (is_single(name))
        header_addresses(header, name, list);
    else if (at < header->n)
        address_list_parse(list, header->field[at].value, strlen(header->field[at].value));
}

void rewrite_read_senders(const struct header *header, struct address_list *list)
{
    read_senders(header, "From", list);
    read_senders(header, "Sender", list);
    read_senders(header, "Resent-From", list);
    read_senders(header, "Resent-Sender", list);
}

static bool may_use(const struct completion *want, const char *mailbox)
{
    char *full = memory_copy(mailbox);
    qualify(&full, want->qualify_domain);
    bool may = address_equal(full, want->rewrite_to, true) ||
               (want->may_use && want->may_use(want->context, full));
    free(full);
    return may;
}

/* "root on web1": who it was, where the address does not say so any more. */
static char *make_display(const struct address *was, const char *host)
{
    const char *domain = address_domain(was->mailbox);
    struct str name = {0};
    if (*was->display)
        return memory_copy(was->display);
    if (!*was->mailbox)
        return memory_copy("");
    if (!*domain || strcasecmp(domain, "localhost") == 0)
        domain = host;
    str_add_n(&name, was->mailbox, address_local_length(was->mailbox));
    if (*domain)
        str_addf(&name, " on %s", domain);
    return str_take(&name);
}

static void add_reply_to(struct header *header, const struct address_list *was, const char *host)
{
    struct str value = {0};
    struct address_list reachable = {.item = memory_resize(NULL, was->n, sizeof *was->item)};
    for (size_t i = 0; i < was->n; i++) /* borrowed */
        if (!is_local(address_domain(was->item[i].mailbox), host))
            reachable.item[reachable.n++] = was->item[i];
    address_list_format(&value, &reachable);
    if (reachable.n > 0 && header_find(header, "Reply-To", 0) == header->n)
        header_append(header, "Reply-To", str_text(&value));
    free(reachable.item);
    str_clear(&value);
}

/* Rewrites the first field NAME if some address of it may not be used. A second From or Sender is
 * an error (RFC 5322, 3.6) that would show another address: each counts, and one remains. A message
 * that was resent more than once has further Resent fields, which are others' (3.6.6). */
static bool rewrite_field(struct header *header, const char *name, const struct completion *want)
{
    struct address_list list = {0};
    struct str value = {0};
    bool refused = false;
    size_t at = header_find(header, name, 0);
    read_senders(header, name, &list);
    for (size_t i = 0; i < list.n; i++)
        refused |= !may_use(want, list.item[i].mailbox);
    if (refused) {
        const struct address *first = &list.item[0];
        bool keeps = may_use(want, first->mailbox);
        char *display = keeps ? memory_copy(first->display) : make_display(first, want->host);
        address_format(&value, display, keeps ? first->mailbox : want->rewrite_to);
        header_replace(header, at, str_text(&value));
        while (is_single(name) && (at = header_find(header, name, at + 1)) < header->n)
            header_drop(header, at--);
        if (strcasecmp(name, "From") == 0)
            add_reply_to(header, &list, want->host);
        free(display);
    }
    str_clear(&value);
    address_list_clear(&list);
    return refused;
}

/* RFC 5322, 3.6.2: a Sender that says the same as From should not be there. */
static void drop_needless(struct header *header, const char *sender, const char *from)
{
    struct address_list list = {0};
    header_addresses(header, sender, &list);
    header_addresses(header, from, &list);
    if (list.n == 2 && address_equal(list.item[0].mailbox, list.item[1].mailbox, true))
        (void)header_remove(header, sender);
    address_list_clear(&list);
}

void rewrite_senders(struct header *header, const struct completion *want)
{
    if (!*want->rewrite_to)
        return;
    (void)rewrite_field(header, "From", want);
    (void)rewrite_field(header, "Resent-From", want);
    if (rewrite_field(header, "Sender", want))
        drop_needless(header, "Sender", "From");
    if (rewrite_field(header, "Resent-Sender", want))
        drop_needless(header, "Resent-Sender", "Resent-From");
}

static void encode_text(struct header *header, size_t at)
{
    struct str plain = {0}, value = {0};
    const char *text = header->field[at].value;
    for (const char *p = text + strspn(text, " \t"); *p; p++)
        if (*p != '\n') /* the blank of the fold stays */
            str_add_char(&plain, *p);
    address_encode_text(&value, str_text(&plain));
    header_replace(header, at, str_text(&value));
    str_clear(&plain);
    str_clear(&value);
}

void rewrite_encode(struct header *header)
{
    for (size_t i = 0; i < header->n; i++) {
        struct field *field = &header->field[i];
        if (escape_is_ascii(field->value) ||
            header_is_one_of(field->name, structured_fields, COUNT(structured_fields)))
            continue;
        if (!header_is_one_of(field->name, address_fields, COUNT(address_fields))) {
            encode_text(header, i);
            continue;
        }
        struct address_list list = {0};
        address_list_parse(&list, field->value, strlen(field->value));
        if (list.n > 0)
            replace_with_list(header, i, &list);
        address_list_clear(&list);
    }
}
