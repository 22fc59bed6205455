#include "config.h"
#include "cli/environment.h"

#include <stdlib.h>

const char *environment_get(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

void environment_drop(const char *name)
{
    (void)unsetenv(name);
}

const char *environment_temporary(void)
{
    const char *directory = environment_get("TMPDIR");
    return *directory == '/' ? directory : "/tmp";
}
