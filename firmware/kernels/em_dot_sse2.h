/* em_dot_block for x86-64: the same sums with SSE2, four elements at a time. */
#ifndef EM_DOT_SSE2_H
#define EM_DOT_SSE2_H

#include <emmintrin.h>

/* A 32-bit word from memory. */
EM_INLINE __m128i em_load_word(const int8_t *from)
{
  int32_t word;
  memcpy(&word, from, sizeof word);
  return _mm_cvtsi32_si128(word);
}

/* `count` bytes (1 to 4), sign-extended to 16 bits and laid out as the pairs (0, 1) and (2, 3) for
 * _mm_madd_epi16. Fewer than four are put together in a register: through memory they would wait
 * for the store.
 */
EM_INLINE __m128i em_widen(const int8_t *from, int count)
{
  __m128i bytes;
  if (count == 4) {
    bytes = em_load_word(from);
  } else {
    int32_t word = (uint8_t)from[0];
    if (count > 1) word |= (uint8_t)from[1] << 8;
    if (count > 2) word |= (uint8_t)from[2] << 16;
    bytes = _mm_cvtsi32_si128(word);
  }
  return _mm_srai_epi16(_mm_unpacklo_epi8(_mm_setzero_si128(), bytes), 8);
}

/* The weights of `count` elements (1 to 4) for 4 channels, zeros after them. */
EM_INLINE __m128i em_load_weights(const int8_t *from, int count)
{
  if (count == 4) return _mm_loadu_si128((const __m128i *)(const void *)from);
  if (count == 1) return em_load_word(from);
  const __m128i two = _mm_loadl_epi64((const __m128i *)(const void *)from);
  return count == 2 ? two : _mm_unpacklo_epi64(two, em_load_word(from + 8));
}

/* Adds `count` (1 to 4) elements' products with the block's 4 channels, for one or two pixels. */
EM_INLINE void em_madd_4(__m128i sums[2], const int8_t *x, int pair, const int8_t *weights,
                         int count, const int pixels)
{
  __m128i w = em_load_weights(weights, count);
  /* Elements 0, 2, 1, 3, then the halves interleaved: for each channel the weights of elements 0
   * and 1, then 2 and 3. */
  w = _mm_shuffle_epi32(w, 0xd8);
  w = _mm_unpacklo_epi8(w, _mm_srli_si128(w, 8));
  const __m128i first = _mm_srai_epi16(_mm_unpacklo_epi8(_mm_setzero_si128(), w), 8);
  const __m128i second = _mm_srai_epi16(_mm_unpackhi_epi8(_mm_setzero_si128(), w), 8);
  for (int pixel = 0; pixel < pixels; ++pixel) {
    const __m128i values = em_widen(x + pixel * pair, count);
    const __m128i low = _mm_madd_epi16(first, _mm_shuffle_epi32(values, 0x00));
    const __m128i high = _mm_madd_epi16(second, _mm_shuffle_epi32(values, 0x55));
    sums[pixel] = _mm_add_epi32(sums[pixel], _mm_add_epi32(low, high));
  }
}

EM_INLINE em_sums em_dot_block(const em_window *window, const em_block *block, int pixels)
{
  const em_channel *c = block->channel;
  __m128i sums[2];
  em_sums s;
  sums[0] = sums[1] = _mm_setr_epi32(c[0].bias, c[1].bias, c[2].bias, c[3].bias);
  const int8_t *weights = block->weights;
  for (int row = 0; row < window->rows; ++row) {
    const int8_t *x = window->x + row * window->row_stride;
    int left = window->length;
    for (; left >= 4; left -= 4, x += 4, weights += 16)
      em_madd_4(sums, x, window->pair, weights, 4, pixels);
    if (left > 0) {
      em_madd_4(sums, x, window->pair, weights, left, pixels);
      weights += 4 * left;
    }
  }
  _mm_storeu_si128((__m128i *)(void *)s.a, sums[0]);
  _mm_storeu_si128((__m128i *)(void *)s.b, sums[1]);
  return s;
}

#endif
