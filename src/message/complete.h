/* Making a caller's message whole: what RFC 5322 (3.6) asks for and callers leave out, what must
 * not leave (Bcc), bare names qualified, and a sender the provider will not take replaced. Decides
 * on values it is given; knows no account and no clock. */
#ifndef COMPLETE_H
#define COMPLETE_H

#include <stdbool.h>
#include <time.h>

#include "message/envelope.h"
#include "message/header.h"

enum complete_mode {
    COMPLETE_OFF,
    COMPLETE_AUTO,
    COMPLETE_ON
}; /* auto: only where it is missing */
enum complete_to { COMPLETE_TO_OFF, COMPLETE_TO_ON, COMPLETE_TO_UNDISCLOSED };

struct completion {
    const char *sender;       /* envelope sender after account choice and rewriting */
    const char *from_address; /* for a From that is made: the account's from, qualified */
    const char *full_name; /* -F, or the account's from_full_name, or ""; for a From that is made */
    const char *rewrite_to; /* "" or the account's address: From and Sender that are not allowed
                               become this */
    bool (*may_use)(void *context, const char *mailbox); /* with rewrite_to: addresses that stay */
    void *context;
    const char *host;           /* this host's name: "root on HOST" when a bare name is rewritten */
    const char *qualify_domain; /* appended to bare addresses in address fields */
    const char *message_id_domain;
    enum complete_mode from, date, message_id, subject;
    enum complete_to to;
    bool keep_bcc;                   /* Resent-Bcc and Bcc go unless this is set (msmtp's option) */
    bool recipients_were_read;       /* -t: To need not be made */
    time_t now;                      /* for Date, local zone */
    const struct envelope *envelope; /* To is made of its recipients when there was no header */
};

/* Changes HEADER: removes Bcc and Resent-Bcc in every spelling, adds what is missing in the order
 * From, To, Subject, Date, Message-ID in front, qualifies bare addresses in From, Sender, Reply-To,
 * To, Cc and Resent-*, rewrites From and Sender. A From that is rewritten keeps its display name,
 * or gets "LOCAL on HOST" if it had none; a usable original (it has a domain with a dot that is not
 * local) goes to Reply-To unless there is one. Return-Path goes. FIRST_LINE is the first line of
 * the text, for a Subject where there was no header: at most 20 characters as they are, else 17 and
 * "...", never cut inside a UTF-8 character; control characters become blanks. */
void complete_header(struct header *header, const struct completion *want, const char *first_line);

/* Appends "Mon, 23 Nov 2026 07:53:00 +0000" (RFC 5322, 3.3), local zone, whatever the locale. */
void complete_date(struct str *out, time_t when);

/* Appends a Message-ID with angle brackets, unique by time, process and 64 random bits. */
void complete_message_id(struct str *out, const char *domain, time_t now);

#endif
