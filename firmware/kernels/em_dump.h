/* Prints tensors as lines of text, format 1, for `edgemnist explain --dump`:
 *
 *   @dump 1 model=<first digits of the .tflite's SHA-256>
 *   @tensor <image> <tensor> <type> <bytes of the tensor> <offset of these>
 *           <bytes in hexadecimal, as they lie in memory>
 *   @check <image> <tensor> <CRC-32 of the tensor's bytes>
 *   @same <image> <tensor> <the tensor that has the same bytes>
 *   @end <image> <how many tensors were printed of it>
 *
 * Tensors have their number in the .tflite. A line is handed over whole, so that those of other
 * tasks stay apart.
 * C99 or C++11; 200 bytes of stack, nothing else. The memory has to be little-endian.
 */
#ifndef EM_DUMP_H
#define EM_DUMP_H

#include <stdint.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "a dump has numbers as they lie in memory, which has to be little-endian"
#endif

/* Prints a text that ends with a newline and a zero. */
typedef void em_dump_put(const char *text);

enum { EM_DUMP_ROW = 32, EM_DUMP_LINE = 72 + 2 * EM_DUMP_ROW };

static inline char *em_dump_text(char *to, const char *text)
{
  while (*text != 0) *to++ = *text++;
  return to;
}

static inline char *em_dump_number(char *to, uint32_t value)
{
  char digits[10];
  int count = 0;
  *to++ = ' ';
  do {
    digits[count++] = (char)('0' + value % 10u);
    value /= 10u;
  } while (value != 0);
  while (count > 0) *to++ = digits[--count];
  return to;
}

static inline char *em_dump_hex(char *to, uint32_t value, int digits)
{
  for (int shift = 4 * digits - 4; shift >= 0; shift -= 4)
    *to++ = "0123456789abcdef"[(value >> shift) & 15u];
  return to;
}

static inline void em_dump_put_line(em_dump_put *put, char *line, char *end)
{
  end[0] = '\n';
  end[1] = 0;
  put(line);
}

/* Begins a dump: the first digits, 16 at most, of the model's SHA-256. */
static inline void em_dump_header(em_dump_put *put, const char *model)
{
  char line[EM_DUMP_LINE];
  em_dump_put_line(put, line, em_dump_text(em_dump_text(line, "@dump 1 model="), model));
}

/* Prints a tensor. `type` is int8, uint8, int16, int32, float32, ... */
static inline void em_dump_tensor(em_dump_put *put, uint32_t image, uint32_t tensor,
                                  const char *type, const void *data, uint32_t bytes)
{
  const uint8_t *from = (const uint8_t *)data;
  uint32_t crc = 0xFFFFFFFFu;
  char line[EM_DUMP_LINE];
  char *to;
  for (uint32_t offset = 0; offset < bytes; offset += EM_DUMP_ROW) {
    const uint32_t left = bytes - offset;
    const uint32_t count = left < (uint32_t)EM_DUMP_ROW ? left : (uint32_t)EM_DUMP_ROW;
    to = em_dump_number(em_dump_number(em_dump_text(line, "@tensor"), image), tensor);
    *to++ = ' ';
    to = em_dump_number(em_dump_number(em_dump_text(to, type), bytes), offset);
    *to++ = ' ';
    for (uint32_t i = 0; i < count; ++i) {
      const uint8_t byte = from[offset + i];
      to = em_dump_hex(to, byte, 2);
      crc ^= byte;
      for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
    }
    em_dump_put_line(put, line, to);
  }
  to = em_dump_number(em_dump_number(em_dump_text(line, "@check"), image), tensor);
  *to++ = ' ';
  em_dump_put_line(put, line, em_dump_hex(to, ~crc, 8));
}

/* Says that a tensor has the bytes of another one, which was printed before. */
static inline void em_dump_same(em_dump_put *put, uint32_t image, uint32_t tensor, uint32_t other)
{
  char line[EM_DUMP_LINE];
  char *to = em_dump_number(em_dump_number(em_dump_text(line, "@same"), image), tensor);
  em_dump_put_line(put, line, em_dump_number(to, other));
}

/* Ends an image, of which so many tensors were printed, those that are the same as others
 * included. */
static inline void em_dump_end(em_dump_put *put, uint32_t image, uint32_t tensors)
{
  char line[EM_DUMP_LINE];
  em_dump_put_line(put, line,
                   em_dump_number(em_dump_number(em_dump_text(line, "@end"), image), tensors));
}

#endif
