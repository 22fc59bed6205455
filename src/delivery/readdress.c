#include "config.h"
#include "delivery/readdress.h"

#include "message/rewrite.h"
#include "config/route.h"

struct user {
    const struct site *site;
    const struct account *account;
};

static bool may_use(void *context, const char *mailbox)
{
    const struct user *user = context;
    return !route_replaces(user->account, mailbox, &user->site->host.sender_names);
}

/* A large one goes to a file of the spool: a worker's fence is around all other directories. */
static bool write_header(struct readdress *r, const struct header *header,
                         const struct spool *spool, struct error *err)
{
    struct content_writer writer = {0};
    struct str directory = {0};
    str_addf(&directory, "%s/tmp", spool->path);
    content_write_to(&writer, &r->head, str_text(&directory));
    bool ok = header_write(header, &writer.output, &r->head.has_8bit_header, err);
    str_clear(&directory);
    return ok;
}

static bool read_both(void *context, uint64_t position, void *buffer, size_t *len,
                      struct error *err)
{
    const struct readdress *r = context;
    bool in_head = position < r->head.size;
    struct content_cursor from = {.content = in_head ? &r->head : r->original,
                                  .at = in_head ? position : position - r->head.size + r->rest};
    return content_read(&from, buffer, *len, len, err);
}

bool readdress_make(struct readdress *r, const struct site *site, const struct account *account,
                    const struct entry_lock *lock, struct error *err)
{
    struct user user = {site, account};
    const char *own = account_address(account), *sender = lock->entry.envelope.sender;
    struct header header = {0};
    *r = (struct readdress){.sender = *sender && *own && !may_use(&user, sender) ? own : sender,
                            .original = &lock->content};
    const struct completion want = {
        .rewrite_to = account->rewrite_from != REWRITE_OFF ? own : "",
        .may_use = may_use,
        .context = &user,
        .host = site->host.name,
        .qualify_domain = site->host.mail_name,
    };
    bool ok = header_read_content(&header, r->original, &r->rest, err);
    if (ok) {
        rewrite_senders(&header, &want);
        ok = write_header(r, &header, lock->spool, err);
    }
    header_clear(&header);
    r->content = (struct content){.size = r->head.size + lock->content.size - r->rest,
                                  .convert = read_both,
                                  .context = r,
                                  .has_8bit = lock->content.has_8bit,
                                  .has_8bit_header = r->head.has_8bit_header};
    return ok;
}

void readdress_clear(struct readdress *r)
{
    content_clear(&r->head);
    *r = (struct readdress){0};
}
