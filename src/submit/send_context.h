/* What the parts of one call that sends a message share. */
#ifndef SEND_CONTEXT_H
#define SEND_CONTEXT_H

#include <stdio.h>

#include "config/identity.h"
#include "config/site.h"
#include "queue/entry_lock.h"
#include "delivery/delivery.h"
#include "delivery/password_helper.h"
#include "delivery/submission.h"
#include "cli/invocation.h"

struct send_context {
    const struct invocation *call;
    struct site *site; /* its configuration is read when the first message asks for an account */
    struct identity identity; /* made of the account that was chosen */
    struct source source;
    struct submission submission;
    struct password_sources passwords;
    struct connection_options options;
    FILE *dialogue;         /* where -v goes */
    bool here;              /* never by way of the service: it is the service */
    bool quiet;             /* a dialogue carries the errors, so that standard error does not */
    struct error error;     /* what was reported last */
    char id[ENTRYID_SIZE];  /* of the entry that was made of the message; "" if none was */
    bool anonymous;         /* the server is only asked what it offers: no login */
    const char *asked_mode; /* delivery_mode that it asked for, "" for none */
    const char *received;   /* value of a Received field, "" for none */
    /* Asked before a message of SIZE octets is accepted. NULL: any is. */
    bool (*admit)(struct send_context *s, uint64_t size, struct error *err);
    /* Instead of the first try: what becomes of the accepted entry, whose lock it ends. Returns
     * the exit status. NULL: it is tried here. */
    int (*hand_on)(struct send_context *s, struct entry_lock *lock);
    void *context;
    bool several;                  /* messages by one process, which stays as it is */
    const struct spool *spool;     /* that the message is in; NULL: none */
    struct password_helper helper; /* once this process is confined */
};

/* Fills S for a call; nothing in it may move afterwards. */
void send_context_begin(struct send_context *s, const struct invocation *call, struct site *site);

/* Makes S ready for another message. */
void send_context_again(struct send_context *s);

/* Reads the rest of standard input, if the message comes from there: see
 * report_drain_input(). */
void send_context_drain(const struct send_context *s);

/* Completes passwords and options for the account that was chosen. The process confines itself
 * before it is connected (delivery/fence.h): afterwards it delivers to that account and ends. */
void send_context_prepare_connection(struct send_context *s);

/* Reports an error in msmtp's shape, with the account it happened with. Returns CODE. */
int send_context_report(struct send_context *s, const struct error *err, int code);

/* Reports an attempt that did not reach all recipients, and its VERDICT. S->error becomes what the
 * log should say. */
void send_context_report_attempt(struct send_context *s, const struct attempt *attempt,
                                 const struct verdict *verdict);

/* A trace: prints a line of the dialogue to S->dialogue; CONTEXT is the struct send_context. */
void send_context_show_dialogue(void *context, enum trace_kind kind, const char *line, size_t len);

void send_context_clear(struct send_context *s);

#endif
