/* Bytes copied or set with the vector instructions of Armv8.1-M: three instructions for 16 of
 * them. */
#ifndef EM_COPY_MVE_H
#define EM_COPY_MVE_H

#include "em_common.h"

#if defined(__ARM_FEATURE_MVE)
EM_INLINE void em_copy_bytes(int8_t *to, const int8_t *from, int count)
{
  __asm__ volatile("wlstp.8 lr, %[count], 2f\n"
          "1:\n\t"
          "vldrb.8 q0, [%[from]], #16\n\t"
          "vstrb.8 q0, [%[to]], #16\n\t"
          "letp lr, 1b\n"
          "2:"
          : [from] "+r"(from), [to] "+r"(to)
          : [count] "r"(count)
          : "q0", "lr", "cc", "memory");
}

EM_INLINE void em_fill_bytes(int8_t *to, int value, int count)
{
  __asm__ volatile("vdup.8 q0, %[value]\n\t"
          "wlstp.8 lr, %[count], 2f\n"
          "1:\n\t"
          "vstrb.8 q0, [%[to]], #16\n\t"
          "letp lr, 1b\n"
          "2:"
          : [to] "+r"(to)
          : [value] "r"(value), [count] "r"(count)
          : "q0", "lr", "cc", "memory");
}

/* Copies `rows` runs of `count` bytes. */
EM_INLINE void em_copy_rows(int8_t *to, int to_step, const int8_t *from, int from_step, int rows,
                            int count)
{
  if (count > 16) {
    for (int row = 0; row < rows; ++row)
      em_copy_bytes(to + row * to_step, from + row * from_step, count);
  } else if (rows > 0) {
    __asm__ volatile(
        "vctp.8 %[count]\n\t"
        "dls lr, %[rows]\n"
        "1:\n\t"
        "vpstt\n\t"
        "vldrbt.8 q0, [%[from]]\n\t"
        "vstrbt.8 q0, [%[to]]\n\t"
        "add %[from], %[from], %[from_step]\n\t"
        "add %[to], %[to], %[to_step]\n\t"
        "le lr, 1b"
        : [from] "+r"(from), [to] "+r"(to)
        : [count] "r"(count), [rows] "r"(rows), [from_step] "r"(from_step), [to_step] "r"(to_step)
        : "q0", "lr", "cc", "memory");
  }
}
#else
EM_INLINE void em_copy_bytes(int8_t *to, const int8_t *from, int count)
{
  for (int i = 0; i < count; ++i) to[i] = from[i];
}

EM_INLINE void em_fill_bytes(int8_t *to, int value, int count)
{
  for (int i = 0; i < count; ++i) to[i] = (int8_t)value;
}

EM_INLINE void em_copy_rows(int8_t *to, int to_step, const int8_t *from, int from_step, int rows,
                            int count)
{
  for (int row = 0; row < rows; ++row)
    em_copy_bytes(to + row * to_step, from + row * from_step, count);
}
#endif

#endif
