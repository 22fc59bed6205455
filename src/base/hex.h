/* Hexadecimal digits. */
#ifndef HEX_H
#define HEX_H

/* The value of an upper case digit; -1: C is none. */
int hex_value(char c);

/* The same in any case of letters. */
int hex_value_of_any(char c);

#endif
