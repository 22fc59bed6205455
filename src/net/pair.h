/* Two descriptors as one stream: standard input and standard output. They are shared with the
 * caller, so they stay as blocking as they are. */
#ifndef PAIR_H
#define PAIR_H

#include "net/stream.h"

/* Reads from IN and writes to OUT, which stay the caller's to close. */
struct stream *pair_stream(int in, int out);

#endif
