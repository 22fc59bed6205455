/* Where the journal of systemd listens for the test program: at ONEHOP_TEST_JOURNAL. A test leaves
 * nothing in the machine's. The linker puts this in the place of the library's. */
#include "config.h"

#include <stdlib.h>

#include "submit/journald.h"

const char *__wrap_journald_path(void);

const char *__wrap_journald_path(void)
{
    const char *path = getenv("ONEHOP_TEST_JOURNAL");
    return path ? path : "/nonexistent";
}
