/* em_lanes.h with AVX-512 and its VNNI. */
#if !defined(EM_LANES_512_H) && defined(__AVX512VNNI__)
#define EM_LANES_512_H

#include "em_common.h"

#include <immintrin.h>

/* The pixels that are done at once with one group of channels, and the groups that share pixels
 * where there are two. */
enum { EM_PIXELS = 16, EM_BLOCKS = 2, EM_FLIP_BYTES = 64 };

typedef __m512i em_lanes;
typedef __m512i em_taps;

/* `start_*` have the rounding in the upper half of 64 bits, for the even lanes and for the odd
 * ones. */
typedef struct {
  __m512i even, odd, start_even, start_odd, shift;
} em_scale;

EM_INLINE em_lanes em_lanes_all(int32_t value)
{
  return _mm512_set1_epi32(value);
}

EM_INLINE em_lanes em_lanes_load(const void *from)
{
  return _mm512_loadu_si512(from);
}

EM_INLINE void em_lanes_store(void *to, em_lanes v)
{
  _mm512_storeu_si512(to, v);
}

/* The four bytes at `from` in every lane. */
EM_INLINE em_lanes em_lanes_quad(const void *from)
{
  int32_t word;
  EM_COPY(&word, from, 4);
  return _mm512_set1_epi32(word);
}

EM_INLINE em_lanes em_lanes_add(em_lanes a, em_lanes b)
{
  return _mm512_add_epi32(a, b);
}

EM_INLINE em_lanes em_lanes_multiply(em_lanes a, em_lanes b)
{
  return _mm512_mullo_epi32(a, b);
}

EM_INLINE em_lanes em_lanes_max(em_lanes a, em_lanes b)
{
  return _mm512_max_epi32(a, b);
}

EM_INLINE em_lanes em_lanes_xor(em_lanes a, em_lanes b)
{
  return _mm512_xor_si512(a, b);
}

EM_INLINE em_lanes em_lanes_shift_left(em_lanes a, em_lanes by)
{
  return _mm512_sllv_epi32(a, by);
}

/* 16 signed bytes. */
EM_INLINE em_lanes em_lanes_extend(const int8_t *from)
{
  return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)from));
}

/* The first `count` of them, at most 15, and zeros. */
EM_INLINE em_lanes em_lanes_extend_some(const int8_t *from, int count)
{
  return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8((__mmask16)((1u << count) - 1), from));
}

/* Each lane's bytes one down, the lowest byte of `byte` above them. */
EM_INLINE em_lanes em_lanes_push(em_lanes word, em_lanes byte)
{
  return _mm512_or_si512(_mm512_srli_epi32(word, 8), _mm512_slli_epi32(byte, 24));
}

EM_INLINE void em_lanes_split(const em_channel *from, em_lanes *bias, em_lanes *multiplier)
{
  const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i low = _mm512_loadu_si512(from), high = _mm512_loadu_si512(from + 8);
  *bias = _mm512_permutex2var_epi32(low, even, high);
  *multiplier = _mm512_permutex2var_epi32(low, _mm512_add_epi32(even, _mm512_set1_epi32(1)), high);
}

/* Four weights for each lane. */
EM_INLINE em_taps em_lanes_taps(const int8_t *from)
{
  return _mm512_loadu_si512(from);
}

/* Adds the products of each lane's four activations and weights. */
EM_INLINE em_lanes em_lanes_dot(em_lanes sum, em_lanes x, em_taps w)
{
  return _mm512_dpbusd_epi32(sum, x, w);
}

EM_INLINE em_scale em_scale_make(em_lanes multiplier, em_lanes rounding, em_lanes shift)
{
  const __m512i half = _mm512_set1_epi64(INT64_C(0x80000000));
  em_scale s;
  s.even = multiplier;
  s.odd = _mm512_srli_epi64(multiplier, 32);
  s.start_even = _mm512_or_si512(_mm512_slli_epi64(rounding, 32), half);
  s.start_odd = _mm512_mask_blend_epi32(0x5555, rounding, half);
  s.shift = shift;
  return s;
}

/* em_requantise, before the limits: the upper halves of the 64-bit sums are what em_multiply_high
 * returns. */
EM_INLINE em_lanes em_lanes_requantise(em_lanes v, const em_scale *s)
{
  const __m512i twice = _mm512_add_epi32(v, v);
  const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, s->even), s->start_even);
  const __m512i odd =
      _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(twice, 32), s->odd), s->start_odd);
  const __m512i high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, (_MM_PERM_ENUM)0xf5);
  return _mm512_srav_epi32(_mm512_add_epi32(high, _mm512_srai_epi32(v, 31)), s->shift);
}

/* Stores `count` lanes as bytes within the limits. */
EM_INLINE void em_lanes_put(int8_t *out, em_lanes v, int32_t minimum, int32_t maximum, int count)
{
  __m128i bytes = _mm512_cvtsepi32_epi8(v);
  if (minimum > -128) bytes = _mm_max_epi8(bytes, _mm_set1_epi8((char)minimum));
  if (maximum < 127) bytes = _mm_min_epi8(bytes, _mm_set1_epi8((char)maximum));
  if (count == 16) {
    _mm_storeu_si128((__m128i *)(void *)out, bytes);
  } else {
    _mm_mask_storeu_epi8(out, (__mmask16)((1u << count) - 1), bytes);
  }
}

EM_INLINE void em_flip_vector(uint8_t *to, const int8_t *from)
{
  em_lanes_store(to, _mm512_xor_si512(_mm512_loadu_si512(from), _mm512_set1_epi8(-128)));
}

#endif
