/* memcpy and its kin, which compilers call on their own: words at a time where both sides are
 * aligned. */
#include <stdint.h>
#include <string.h>

static int aligned(const void *left, const void *right)
{
  return (((uintptr_t)left | (uintptr_t)right) & 3u) == 0;
}

/* A word that may be part of an object of any type. */
typedef uint32_t __attribute__((may_alias)) word;

void *memcpy(void *to, const void *from, size_t size)
{
  uint8_t *target = (uint8_t *)to;
  const uint8_t *source = (const uint8_t *)from;
  if (aligned(target, source)) {
    for (; size >= 4; size -= 4, target += 4, source += 4)
      *(word *)(void *)target = *(const word *)(const void *)source;
  }
  for (; size > 0; --size) *target++ = *source++;
  return to;
}

void *memmove(void *to, const void *from, size_t size)
{
  uint8_t *target = (uint8_t *)to;
  const uint8_t *source = (const uint8_t *)from;
  if ((uintptr_t)target <= (uintptr_t)source) return memcpy(to, from, size);
  while (size > 0) {
    --size;
    target[size] = source[size];
  }
  return to;
}

void *memset(void *to, int value, size_t size)
{
  uint8_t *target = (uint8_t *)to;
  const uint32_t byte = (uint8_t)value;
  if (aligned(target, target)) {
    const uint32_t four = byte * 0x01010101u;
    for (; size >= 4; size -= 4, target += 4) *(word *)(void *)target = four;
  }
  for (; size > 0; --size) *target++ = (uint8_t)byte;
  return to;
}

int memcmp(const void *left, const void *right, size_t size)
{
  const uint8_t *a = (const uint8_t *)left;
  const uint8_t *b = (const uint8_t *)right;
  for (; size > 0; --size, ++a, ++b) {
    if (*a != *b) return *a < *b ? -1 : 1;
  }
  return 0;
}
