#include "config.h"
#include "delivery/sent_copy.h"

#include <fcntl.h>
#include <string.h>

#include "delivery/maildir.h"

/* The descriptor ends with the lock, the memory with the entry. */
static void keep_content(struct content *copy, const struct content *content)
{
    *copy = *content;
    copy->memory = (struct str){0};
    if (content->in_file) {
        copy->fd = fcntl(content->fd, F_DUPFD_CLOEXEC, 0);
        copy->borrowed = false;
    } else {
        str_add_n(&copy->memory, str_text(&content->memory), content->memory.len);
    }
}

void sent_copy_begin(struct sent_copy *copy, const struct account *account,
                     const struct entry_lock *lock, const struct attempt *attempt)
{
    if (!account || !*account->sent_copy || !*lock->entry.envelope.sender ||
        attempt->sent_before > 0 || outcome_count(attempt->outcomes, attempt->n, OUTCOME_SENT) == 0)
        return;
    memcpy(copy->id, lock->entry.id, sizeof copy->id);
    keep_content(&copy->content, &lock->content);
}

bool sent_copy_make(const struct account *account, const char *host, const char *id,
                    const struct content *content, struct error *err)
{
    struct str file = {0};
    const struct maildir_mail mail = {
        .id = id, .host = host, .head = "", .content = content, .seen = true};
    bool ok = !*account->sent_copy || maildir_keep(account->sent_copy, &mail, &file, err) ||
              error_prefix(err, "sent_copy");
    str_clear(&file);
    return ok;
}

bool sent_copy_end(struct sent_copy *copy, const struct account *account, const char *host,
                   struct error *err)
{
    bool ok = !*copy->id || sent_copy_make(account, host, copy->id, &copy->content, err);
    content_clear(&copy->content);
    return ok;
}
