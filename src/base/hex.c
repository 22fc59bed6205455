#include "config.h"
#include "base/hex.h"

int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_value_of_any(char c)
{
    return hex_value(c >= 'a' && c <= 'f' ? (char)(c - 'a' + 'A') : c);
}
