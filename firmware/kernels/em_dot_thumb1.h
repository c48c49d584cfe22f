/* em_dot_block for Cortex-M0, M0+ and M23.
 *
 * Weights are packed channel by channel, each in the window's order; blocks are of two channels. These cores load signed
 * bytes only by two registers, and compute only in eight of theirs: one index walks over the activations and both
 * channels' weights, and the sums stay in the other registers, to which one can add. A product takes the place of
 * a factor, so that what is needed twice is loaded twice, which costs no more than a copy.
 */
#ifndef EM_DOT_THUMB1_H
#define EM_DOT_THUMB1_H

#define EM_LANES 2

#if EM_THUMB1
#define EM_THUMB1_PAIR                                                                                 \
  "ldrsb %[w], [%[w0], %[i]]\n\t"                                                                      \
  "ldrsb %[u], [%[x], %[i]]\n\t"                                                                       \
  "muls %[u], %[w], %[u]\n\t"                                                                          \
  "add %[a0], %[u]\n\t"                                                                                \
  "ldrsb %[u], [%[second_x], %[i]]\n\t"                                                                \
  "muls %[w], %[u], %[w]\n\t"                                                                          \
  "add %[b0], %[w]\n\t"                                                                                \
  "ldrsb %[w], [%[w1], %[i]]\n\t"                                                                      \
  "muls %[u], %[w], %[u]\n\t"                                                                          \
  "add %[b1], %[u]\n\t"                                                                                \
  "ldrsb %[u], [%[x], %[i]]\n\t"                                                                       \
  "muls %[u], %[w], %[u]\n\t"                                                                          \
  "add %[a1], %[u]\n\t"                                                                                \
  "adds %[i], #1\n\t"
#define EM_THUMB1_ONE                                                                                  \
  "ldrsb %[u], [%[x], %[i]]\n\t"                                                                       \
  "ldrsb %[w], [%[w0], %[i]]\n\t"                                                                      \
  "muls %[w], %[u], %[w]\n\t"                                                                          \
  "add %[a0], %[w]\n\t"                                                                                \
  "ldrsb %[w], [%[w1], %[i]]\n\t"                                                                      \
  "muls %[u], %[w], %[u]\n\t"                                                                          \
  "add %[a1], %[u]\n\t"                                                                                \
  "adds %[i], #1\n\t"
#define EM_THUMB1_SUM_PAIR(text)                                                                       \
  __asm__(".syntax unified\n\t" text                                                                   \
          : [a0] "+h"(s.a[0]), [a1] "+h"(s.a[1]), [b0] "+h"(s.b[0]), [b1] "+h"(s.b[1]), [i] "+&l"(i), \
            [u] "=&l"(u), [w] "=&l"(w)                                                                 \
          : [x] "l"(x), [second_x] "l"(x + pair), [w0] "l"(w0), [w1] "l"(w1)                           \
          : "cc", "memory")
#define EM_THUMB1_SUM_ONE(text)                                                                        \
  __asm__(".syntax unified\n\t" text                                                                   \
          : [a0] "+h"(s.a[0]), [a1] "+h"(s.a[1]), [i] "+&l"(i), [u] "=&l"(u), [w] "=&l"(w)             \
          : [x] "l"(x), [w0] "l"(w0), [w1] "l"(w1)                                                     \
          : "cc", "memory")

/* Adds a row's products; the pointers are to the row's end. */
EM_INLINE em_sums em_add_row(em_sums s, const int8_t *x, int pair, int length, const int8_t *w0, const int8_t *w1,
                             const int pixels)
{
  int i = -length;
  int32_t u, w;
  if (pixels > 1) {
    if ((length & 1) != 0) EM_THUMB1_SUM_PAIR(EM_THUMB1_PAIR);
    if (length > 1) EM_THUMB1_SUM_PAIR("1:\n\t" EM_THUMB1_PAIR EM_THUMB1_PAIR "bne 1b");
  } else {
    if ((length & 1) != 0) EM_THUMB1_SUM_ONE(EM_THUMB1_ONE);
    if (length > 1) EM_THUMB1_SUM_ONE("1:\n\t" EM_THUMB1_ONE EM_THUMB1_ONE "bne 1b");
  }
  return s;
}
#else
EM_INLINE em_sums em_add_row(em_sums s, const int8_t *x, int pair, int length, const int8_t *w0, const int8_t *w1,
                             const int pixels)
{
  for (int i = -length; i < 0; ++i) {
    s.a[0] += w0[i] * x[i];
    s.a[1] += w1[i] * x[i];
    if (pixels > 1) {
      s.b[0] += w0[i] * x[i + pair];
      s.b[1] += w1[i] * x[i + pair];
    }
  }
  return s;
}
#endif

EM_INLINE void em_lower_registers(em_sums *s, const int pixels)
{
  EM_LOWER_REGISTER(s->a[0]);
  EM_LOWER_REGISTER(s->a[1]);
  if (pixels > 1) {
    EM_LOWER_REGISTER(s->b[0]);
    EM_LOWER_REGISTER(s->b[1]);
  }
  (void)s;
}

EM_INLINE em_sums em_dot_window(const em_window *window, const em_block *block, const int pixels)
{
  const int elements = window->rows * window->length;
  const int8_t *weights = block->weights;
  const int8_t *x = window->x + window->length;
  em_sums s;
  s.a[0] = s.b[0] = block->channel[0].bias;
  s.a[1] = s.b[1] = block->channel[1].bias;
  em_lower_registers(&s, pixels);
  for (int row = 0; row < window->rows; ++row) {
    weights += window->length;
    s = em_add_row(s, x, window->pair, window->length, weights, weights + elements, pixels);
    x += window->row_stride;
  }
  em_lower_registers(&s, pixels);
  return s;
}

EM_INLINE em_sums em_dot_block(const em_window *window, const em_block *block, int pixels)
{
  return pixels > 1 ? em_dot_window(window, block, 2) : em_dot_window(window, block, 1);
}

#endif
