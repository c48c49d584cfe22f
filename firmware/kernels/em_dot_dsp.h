/* em_dot_block for Cortex-M4, M7, M33 and M55, whose DSP instructions multiply two pairs of 16-bit numbers at a time.
 *
 * Weights are packed in blocks of two output channels, low and high, as 16-bit numbers 256 * high + low, little-endian: for
 * each of the window's rows the elements in groups of four, a group in the order 0, 2, 1, 3, then the up to three left
 * over in their own order. So a word of weights is an operand of SMLAD as it stands and gives 256 times the high
 * channel's sum plus the low one's; its low bytes, which SXTB16 spreads, give the low one's by itself. A word of
 * activations is spread by SXTB16 into the elements 0, 2 and 1, 3 too. No high weight may be -128 where the low one is
 * negative; the generator sees to that. A channel left over is packed by itself, as everywhere.
 *
 * Elsewhere the instructions are written out in C, so that every machine can check what these kernels compute.
 */
#ifndef EM_DOT_DSP_H
#define EM_DOT_DSP_H

#define EM_LANES 2

/* The high channel's sum has 24 bits, so at most so many elements are added up before the two channels are taken apart. */
enum { EM_PAIRED_ELEMENTS = 512 };

#if EM_DSP
/* Bytes 0 and 2, each sign-extended to 16 bits. */
EM_INLINE uint32_t em_spread_even(uint32_t word)
{
  uint32_t result;
  __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(word));
  return result;
}

/* Bytes 1 and 3. */
EM_INLINE uint32_t em_spread_odd(uint32_t word)
{
  uint32_t result;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(word));
  return result;
}

/* sum + the products of the lower and of the upper 16 bits. */
EM_INLINE uint32_t em_multiply_pairs(uint32_t sum, uint32_t x, uint32_t y)
{
  uint32_t result;
  __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(x), "r"(y), "r"(sum));
  return result;
}
#else
EM_INLINE uint32_t em_spread_even(uint32_t word)
{
  return (uint32_t)(uint16_t)(int8_t)(uint8_t)word | (uint32_t)(int8_t)(uint8_t)(word >> 16) << 16;
}

EM_INLINE uint32_t em_spread_odd(uint32_t word)
{
  return em_spread_even(word >> 8);
}

EM_INLINE uint32_t em_multiply_pairs(uint32_t sum, uint32_t x, uint32_t y)
{
  const int32_t lower = (int16_t)(uint16_t)x * (int16_t)(uint16_t)y;
  const int32_t upper = (int16_t)(uint16_t)(x >> 16) * (int16_t)(uint16_t)(y >> 16);
  return sum + (uint32_t)lower + (uint32_t)upper;
}
#endif

EM_INLINE uint32_t em_load_4(const int8_t *from)
{
  uint32_t word;
  EM_COPY(&word, from, sizeof word);
  return word;
}

/* Sums of a block for the pixels a and b: of both channels, 256 * high + low modulo 2^32, and of the low one. */
typedef struct {
  uint32_t both_a, low_a, both_b, low_b;
} em_paired;

/* Adds the products of a group of four, or of two elements in a word's halves. */
EM_INLINE em_paired em_add_word(em_paired s, uint32_t weights, uint32_t a, uint32_t b, const int pixels)
{
  const uint32_t low = em_spread_even(weights);
  s.both_a = em_multiply_pairs(s.both_a, a, weights);
  if (pixels > 1) s.both_b = em_multiply_pairs(s.both_b, b, weights);
  s.low_a = em_multiply_pairs(s.low_a, a, low);
  if (pixels > 1) s.low_b = em_multiply_pairs(s.low_b, b, low);
  return s;
}

/* Adds the products of a group of four. */
EM_INLINE em_paired em_add_group(em_paired s, const int8_t *x, int pair, const int8_t *weights, const int pixels)
{
  const uint32_t a = em_load_4(x);
  const uint32_t b = pixels > 1 ? em_load_4(x + pair) : 0;
  s = em_add_word(s, em_load_4(weights), em_spread_even(a), em_spread_even(b), pixels);
  return em_add_word(s, em_load_4(weights + 4), em_spread_odd(a), em_spread_odd(b), pixels);
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
  EM_UNROLL(4)
  for (int i = 0; i < (length & 3); ++i) s = em_add_element(s, x + i, pair, weights + 2 * i, pixels);
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

EM_INLINE em_sums em_dot_block(const em_window *window, const em_block *block, const int pixels)
{
  const em_paired zero = {0, 0, 0, 0};
  const int at_once = window->rows * window->length <= EM_PAIRED_ELEMENTS;
  const int8_t *weights = block->weights;
  em_paired paired = zero;
  em_sums s;
  s.a[0] = s.b[0] = block->channel[0].bias;
  s.a[1] = s.b[1] = block->channel[1].bias;
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
