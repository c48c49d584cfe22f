/* The part of <string.h> that generated C needs, for compilers that bring no C library. Defined
 * in memory.c. */
#ifndef STRING_H
#define STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);

#ifdef __cplusplus
}
#endif

#endif
