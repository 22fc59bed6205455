/* closefrom(3) where the C library has none (musl, glibc before 2.34). */
#ifndef CLOSEFROM_H
#define CLOSEFROM_H

/* Closes every descriptor from FIRST on. */
void closefrom(int first);

#endif
