/* The log as JSON: an object on a line for each recipient. */
#ifndef JSONLOG_H
#define JSONLOG_H

#include "delivery/logresult.h"

/* {"time": "2026-11-26T06:19:36Z", "status": "sent", "queue_id": "1tVd0xAbcDef120", "message_id":
 * "1@x", "account": "work", "from": "me@x", "to": "you@y", "relay": "mx.y", "address": "192.0.2.1",
 * "port": 587, "size": 1234, "delay": 0.350, "queued": 0.010, "setup": 0.200, "transfer": 0.140,
 * "dsn": "2.0.0", "reply_code": 250, "reason": "250 2.0.0 ok"}. Every object has every key; what is
 * not known is "" or 0. A message without recipients has one object. */
void jsonlog_write(const struct logline *facts, const struct log_sink *sink);

#endif
