/* memcpy and its kin, which compilers call on their own: words at a time where both sides lie in
 * the same way to them, four of them at once. */
#include <stdint.h>
#include <string.h>

/* A word that may be part of an object of any type. */
typedef uint32_t __attribute__((may_alias)) word;

/* How many bytes are before the first whole word of both sides, all `size` where there is none. */
static size_t before_words(const void *to, const void *from, size_t size)
{
  const size_t head = (0u - (uintptr_t)to) & 3u;
  return (((uintptr_t)to ^ (uintptr_t)from) & 3u) != 0 || head > size ? size : head;
}

/* All are read before any is written. */
static inline void copy_four_words(void *to, const void *from)
{
  const word *const in = (const word *)from;
  word *const out = (word *)to;
  const uint32_t first = in[0], second = in[1], third = in[2], fourth = in[3];
  out[0] = first, out[1] = second, out[2] = third, out[3] = fourth;
}

void *memcpy(void *to, const void *from, size_t size)
{
  uint8_t *target = (uint8_t *)to;
  const uint8_t *source = (const uint8_t *)from;
  size_t head = before_words(to, from, size);
  for (size -= head; head > 0; --head) *target++ = *source++;
  for (; size >= 16; size -= 16, target += 16, source += 16) copy_four_words(target, source);
  for (; size >= 4; size -= 4, target += 4, source += 4)
    *(word *)(void *)target = *(const word *)(const void *)source;
  for (; size > 0; --size) *target++ = *source++;
  return to;
}

void *memmove(void *to, const void *from, size_t size)
{
  uint8_t *target = (uint8_t *)to + size;
  const uint8_t *source = (const uint8_t *)from + size;
  size_t tail = ((uintptr_t)target ^ (uintptr_t)source) & 3u ? size : (uintptr_t)target & 3u;
  if ((uintptr_t)to - (uintptr_t)from >= size) return memcpy(to, from, size); /* or `to` is first */
  if (tail > size) tail = size;
  for (size -= tail; tail > 0; --tail) *--target = *--source;
  for (; size >= 16; size -= 16) {
    target -= 16, source -= 16;
    copy_four_words(target, source);
  }
  for (; size >= 4; size -= 4) {
    target -= 4, source -= 4;
    *(word *)(void *)target = *(const word *)(const void *)source;
  }
  for (; size > 0; --size) *--target = *--source;
  return to;
}

void *memset(void *to, int value, size_t size)
{
  uint8_t *target = (uint8_t *)to;
  const uint32_t byte = (uint8_t)value, four = byte * 0x01010101u;
  size_t head = before_words(to, to, size);
  for (size -= head; head > 0; --head) *target++ = (uint8_t)byte;
  for (; size >= 16; size -= 16, target += 16) {
    word *const out = (word *)(void *)target;
    out[0] = four, out[1] = four, out[2] = four, out[3] = four;
  }
  for (; size >= 4; size -= 4, target += 4) *(word *)(void *)target = four;
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
