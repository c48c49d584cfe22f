/* em_dot_block for Cortex-M4, M7, M33 and M55, whose DSP instructions multiply two pairs of 16-bit numbers at a time.
 *
 * Weights are packed in blocks of two output channels, low and high, as 16-bit numbers 256 * high + low, little-endian: for
 * each of the window's rows the elements in groups of four, a group in the order 0, 2, 1, 3, then the up to three left
 * over, three in the order 0, 2, 1. So a word of weights is an operand of SMLAD as it stands and gives 256 times the high
 * channel's sum plus the low one's; its low bytes, which SXTB16 spreads, give the low one's by itself. A word of
 * activations is spread by SXTB16 into the elements 0, 2 and 1, 3 too. No high weight may be -128 where the low one is
 * negative; the generator sees to that. A channel left over is packed by itself, as everywhere.
 */
#ifndef EM_DOT_DSP_H
#define EM_DOT_DSP_H

#include "em_dsp.h"

#define EM_LANES 2

/* The high channel's sum has 24 bits, so that many elements at most are added up before the two channels are taken apart:
 * 512 products of -128 and -128 are one too many. A multiple of 8, so that whole rounds of the loop are done. */
enum { EM_PAIRED_ELEMENTS = 504 };

/* Sums of a block for the pixels a and b: of both channels, 256 * high + low modulo 2^32, and of the low one. */
typedef struct {
  uint32_t both_a, low_a, both_b, low_b;
} em_paired;

/* Adds the products of half a group: of bytes 0 and 2 of the words `a` and `b`, one for each pixel, or 1 and 3 if `odd`.
 * Written as a whole, because compilers that order these instructions themselves run out of registers.
 */
#if EM_DSP
#define EM_ADD_HALF(rotate)                                                                            \
  __asm__("sxtb16 %4, %6" rotate "\n\t"                                                                \
          "sxtb16 %5, %8\n\t"                                                                          \
          "smlad %0, %4, %8, %0\n\t"                                                                   \
          "smlad %1, %4, %5, %1\n\t"                                                                   \
          "sxtb16 %4, %7" rotate "\n\t"                                                                \
          "smlad %2, %4, %8, %2\n\t"                                                                   \
          "smlad %3, %4, %5, %3"                                                                       \
          : "+&r"(s.both_a), "+&r"(s.low_a), "+&r"(s.both_b), "+&r"(s.low_b), "=&r"(x), "=&r"(low)     \
          : "r"(a), "r"(b), "r"(weights))
#define EM_ADD_HALF_ALONE(rotate)                                                                      \
  __asm__("sxtb16 %2, %4" rotate "\n\t"                                                                \
          "sxtb16 %3, %5\n\t"                                                                          \
          "smlad %0, %2, %5, %0\n\t"                                                                   \
          "smlad %1, %2, %3, %1"                                                                       \
          : "+&r"(s.both_a), "+&r"(s.low_a), "=&r"(x), "=&r"(low)                                      \
          : "r"(a), "r"(weights))

EM_INLINE em_paired em_add_half(em_paired s, uint32_t a, uint32_t b, uint32_t weights, const int odd, const int pixels)
{
  uint32_t x, low;
  if (pixels > 1) {
    if (odd) {
      EM_ADD_HALF(", ror #8");
    } else {
      EM_ADD_HALF("");
    }
  } else if (odd) {
    EM_ADD_HALF_ALONE(", ror #8");
  } else {
    EM_ADD_HALF_ALONE("");
  }
  return s;
}
#else
EM_INLINE em_paired em_add_half(em_paired s, uint32_t a, uint32_t b, uint32_t weights, const int odd, const int pixels)
{
  const uint32_t low = em_spread_even(weights);
  a = odd ? em_spread_odd(a) : em_spread_even(a);
  b = odd ? em_spread_odd(b) : em_spread_even(b);
  s.both_a = em_multiply_pairs(s.both_a, a, weights);
  s.low_a = em_multiply_pairs(s.low_a, a, low);
  if (pixels > 1) {
    s.both_b = em_multiply_pairs(s.both_b, b, weights);
    s.low_b = em_multiply_pairs(s.low_b, b, low);
  }
  return s;
}
#endif

/* Adds the products of a group of four elements. */
EM_INLINE em_paired em_add_group(em_paired s, const int8_t *x, int pair, const int8_t *weights, const int pixels)
{
  const uint32_t a = em_load_4(x);
  const uint32_t b = pixels > 1 ? em_load_4(x + pair) : 0;
  s = em_add_half(s, a, b, em_load_4(weights), 0, pixels);
  return em_add_half(s, a, b, em_load_4(weights + 4), 1, pixels);
}

/* Adds the products of one element. */
EM_INLINE em_paired em_add_element(em_paired s, const int8_t *x, int pair, const int8_t *weights, const int pixels)
{
  int16_t both;
  EM_COPY(&both, weights, sizeof both);
  const int32_t low = weights[0];
  s.both_a += (uint32_t)(both * x[0]);
  s.low_a += (uint32_t)(low * x[0]);
  if (pixels > 1) {
    s.both_b += (uint32_t)(both * x[pair]);
    s.low_b += (uint32_t)(low * x[pair]);
  }
  return s;
}

/* Adds the products of three elements, from a word that starts with the first of them or, not `forward`, one before it. */
EM_INLINE em_paired em_add_three(em_paired s, const int8_t *x, int pair, const int8_t *weights, const int forward,
                                 const int pixels)
{
  const int8_t *const from = forward ? x : x - 1;
  const uint32_t a = em_load_4(from);
  const uint32_t b = pixels > 1 ? em_load_4(from + pair) : 0;
  uint16_t middle;
  EM_COPY(&middle, weights + 4, sizeof middle);
  s = em_add_half(s, a, b, em_load_4(weights), !forward, pixels);
  return em_add_half(s, a, b, forward ? middle : (uint32_t)middle << 16, forward, pixels);
}

/* Adds the products of `length` elements, which lie in groups of four from their row's start on. */
EM_INLINE em_paired em_add_row(em_paired s, const int8_t *x, int pair, int length, const int8_t *weights,
                               const int pixels)
{
  const int step = EM_SIZE ? 4 : 8;
  const int8_t *const end = x + (length & -step);
  while (x != end) {
    s = em_add_group(s, x, pair, weights, pixels);
    if (!EM_SIZE) s = em_add_group(s, x + 4, pair, weights + 8, pixels);
    x += step;
    weights += 2 * step;
  }
  if (!EM_SIZE && (length & 4) != 0) {
    s = em_add_group(s, x, pair, weights, pixels);
    x += 4;
    weights += 8;
  }
  if (!EM_SIZE && length > 3 && (length & 3) == 3) return em_add_three(s, x, pair, weights, 0, pixels);
  EM_UNROLL(4)
  for (int i = 0; i < (length & 3); ++i) {
    const int at = (length & 3) < 3 || i == 0 ? i : 3 - i;
    s = em_add_element(s, x + at, pair, weights + 2 * i, pixels);
  }
  return s;
}

/* Adds to `s` what `paired` holds, channel by channel. */
EM_INLINE em_sums em_take_apart(em_sums s, const em_paired *paired, const int pixels)
{
  s.a[0] += (int32_t)paired->low_a;
  s.a[1] += (int32_t)(paired->both_a - paired->low_a) >> 8;
  if (pixels > 1) {
    s.b[0] += (int32_t)paired->low_b;
    s.b[1] += (int32_t)(paired->both_b - paired->low_b) >> 8;
  }
  return s;
}

/* Adds the products of rows of three, at least two of them: what is read beside a row lies before the last one's end and
 * after the first one's start.
 */
EM_INLINE em_paired em_add_threes(em_paired s, const em_window *window, const int8_t *weights, const int pixels)
{
  const int8_t *x = window->x;
  s = em_add_three(s, x, window->pair, weights, 1, pixels);
  for (int row = 1; row < window->rows; ++row) {
    x += window->row_stride;
    weights += 6;
    s = em_add_three(s, x, window->pair, weights, 0, pixels);
  }
  return s;
}

EM_INLINE em_sums em_dot_block(const em_window *window, const em_block *block, int pixels)
{
  if (EM_SIZE) pixels = 2; /* one pixel twice over, for less code */
  const em_paired zero = {0, 0, 0, 0};
  const int at_once = window->rows * window->length <= EM_PAIRED_ELEMENTS;
  const int8_t *weights = block->weights;
  em_paired paired = zero;
  em_sums s;
  s.a[0] = s.b[0] = block->channel[0].bias;
  s.a[1] = s.b[1] = block->channel[1].bias;
  if (!EM_SIZE && at_once && window->length == 3 && window->rows > 1) {
    paired = em_add_threes(paired, window, weights, pixels);
    return em_take_apart(s, &paired, pixels);
  }
  for (int row = 0; row < window->rows; ++row) {
    const int8_t *const x = window->x + row * window->row_stride;
    for (int done = 0; done < window->length; done += EM_PAIRED_ELEMENTS) {
      const int left = window->length - done;
      const int length = left < EM_PAIRED_ELEMENTS ? left : EM_PAIRED_ELEMENTS;
      paired = em_add_row(paired, x + done, window->pair, length, weights, pixels);
      weights += 2 * length;
      if (!at_once) {
        s = em_take_apart(s, &paired, pixels);
        paired = zero;
      }
    }
  }
  return at_once ? em_take_apart(s, &paired, pixels) : s;
}

#endif
