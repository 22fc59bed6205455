/* An ELF note about a library that is loaded when it is needed, which package tools read as they
 * read DT_NEEDED of those that are linked: https://systemd.io/ELF_DLOPEN_METADATA/. */
#ifndef DLOPENNOTE_H
#define DLOPENNOTE_H

#include <stdint.h>

/* Defines the note of a file. TEXT, a literal, is an array in JSON. */
#define DLOPEN_NOTE(TEXT)                                                                          \
    static const struct dlopen_note {                                                              \
        uint32_t name_size, text_size, type;                                                       \
        char name[4], text[sizeof(TEXT)];                                                          \
    } dlopen_note __attribute__((used, aligned(4), section(".note.dlopen"))) = {                   \
        4, sizeof(TEXT), 0x407c0c0a, "FDO", TEXT}

#endif
