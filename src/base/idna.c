#include "config.h"
#include "base/idna.h"

#include <idn2.h>

#include "base/escape.h"

bool idna_to_alabels(struct str *out, const char *domain)
{
    char *labels = NULL;
    if (escape_is_ascii(domain)) {
        str_add(out, domain);
        return true;
    }
    int result = idn2_to_ascii_8z(domain, &labels, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (result == IDN2_OK)
        str_add(out, labels);
    idn2_free(labels);
    return result == IDN2_OK;
}
