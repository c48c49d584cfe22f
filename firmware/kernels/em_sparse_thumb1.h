/* em_sparse_four for Cortex-M0, M0+ and M23: four pixels, whose sums stay in the upper registers.
 *
 * One index walks over the windows. With it go two pixels; `two` bytes further on lie the other
 * two, which come last for a pair's first weight and first for its second. A product takes its
 * activation's place.
 */
#ifndef EM_SPARSE_THUMB1_H
#define EM_SPARSE_THUMB1_H

#if EM_THUMB1
#define EM_SPARSE_THUMB1_WEIGHT(at)                                                                \
  "ldrb %[w], [%[stream], #" at "]\n\t"                                                            \
  "sxtb %[w], %[w]\n\t"
#define EM_SPARSE_THUMB1_PIXELS(sum0, sum1)                                                        \
  "ldrsb %[u], [%[x0], %[i]]\n\t"                                                                  \
  "muls %[u], %[w], %[u]\n\t"                                                                      \
  "add %[" sum0 "], %[u]\n\t"                                                                      \
  "ldrsb %[u], [%[x1], %[i]]\n\t"                                                                  \
  "muls %[u], %[w], %[u]\n\t"                                                                      \
  "add %[" sum1 "], %[u]\n\t"

/* Stores the sums of a channel's weights, of which there is at least one pair. */
EM_INLINE void em_sparse_four(em_sparse_sums *s, const int8_t *stream, const int8_t *end,
                              const int8_t *x, int step)
{
  int i = 0;
  int32_t u, w, a0 = 0, a1 = 0, a2 = 0, a3 = 0;
  __asm__(".syntax unified\n"
          "1:\n\t"
          "ldrb %[u], [%[stream]]\n\t"
          "lsrs %[w], %[u], #4\n\t"
          "adds %[i], %[i], %[w]\n\t"
          EM_SPARSE_THUMB1_WEIGHT("1")
          EM_SPARSE_THUMB1_PIXELS("a0", "a1")
          "adds %[i], %[i], %[two]\n\t"
          EM_SPARSE_THUMB1_PIXELS("a2", "a3")
          "ldrb %[u], [%[stream]]\n\t"
          "lsls %[u], %[u], #28\n\t"
          "lsrs %[u], %[u], #28\n\t"
          "adds %[i], %[i], %[u]\n\t"
          EM_SPARSE_THUMB1_WEIGHT("2")
          EM_SPARSE_THUMB1_PIXELS("a2", "a3")
          "subs %[i], %[i], %[two]\n\t"
          EM_SPARSE_THUMB1_PIXELS("a0", "a1")
          "adds %[stream], #3\n\t"
          "cmp %[stream], %[end]\n\t"
          "bne 1b"
          : [a0] "+h"(a0), [a1] "+h"(a1), [a2] "+h"(a2), [a3] "+h"(a3), [i] "+&l"(i),
            [u] "=&l"(u), [w] "=&l"(w), [stream] "+&l"(stream)
          : [x0] "l"(x), [x1] "l"(x + step), [two] "l"(2 * step), [end] "h"(end)
          : "cc", "memory");
  EM_LOWER_REGISTER(a0);
  EM_LOWER_REGISTER(a1);
  EM_LOWER_REGISTER(a2);
  EM_LOWER_REGISTER(a3);
  s->a[0] = a0;
  s->a[1] = a1;
  s->a[2] = a2;
  s->a[3] = a3;
}
#endif

#endif
