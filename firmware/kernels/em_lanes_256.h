/* em_lanes.h with AVX2, and VNNI in 256 bits where the CPU has it. */
#if !defined(EM_LANES_256_H) && defined(__AVX2__)
#define EM_LANES_256_H

#include "em_common.h"

#include <immintrin.h>

#if defined(__AVXVNNI__)
#define EM_VNNI 1
enum { EM_PIXELS = 6, EM_BLOCKS = 1, EM_FLIP_BYTES = 32 };
#else
#define EM_VNNI 0
enum { EM_PIXELS = 4, EM_BLOCKS = 1, EM_FLIP_BYTES = 32 };
#endif

typedef struct {
  __m256i low, high;
} em_lanes;

#if EM_VNNI
typedef em_lanes em_taps;
#else
/* Four weights of a lane as 16-bit pairs: the first and third, the second and fourth. */
typedef struct {
  em_lanes even, odd;
} em_taps;
#endif

/* For 8 lanes; `start_*` have the rounding in the upper half of 64 bits, for the even lanes and for
 * the odd ones. */
typedef struct {
  __m256i even, odd, start_even, start_odd, shift;
} em_half_scale;

typedef struct {
  em_half_scale low, high;
} em_scale;

EM_INLINE em_lanes em_lanes_of(__m256i low, __m256i high)
{
  em_lanes v;
  v.low = low;
  v.high = high;
  return v;
}

EM_INLINE em_lanes em_lanes_all(int32_t value)
{
  return em_lanes_of(_mm256_set1_epi32(value), _mm256_set1_epi32(value));
}

EM_INLINE em_lanes em_lanes_load(const void *from)
{
  const __m256i *const at = (const __m256i *)from;
  return em_lanes_of(_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1));
}

EM_INLINE void em_lanes_store(void *to, em_lanes v)
{
  _mm256_storeu_si256((__m256i *)to, v.low);
  _mm256_storeu_si256((__m256i *)to + 1, v.high);
}

/* The four bytes at `from` in every lane. */
EM_INLINE em_lanes em_lanes_quad(const void *from)
{
  int32_t word;
  EM_COPY(&word, from, 4);
  return em_lanes_all(word);
}

EM_INLINE em_lanes em_lanes_add(em_lanes a, em_lanes b)
{
  return em_lanes_of(_mm256_add_epi32(a.low, b.low), _mm256_add_epi32(a.high, b.high));
}

EM_INLINE em_lanes em_lanes_multiply(em_lanes a, em_lanes b)
{
  return em_lanes_of(_mm256_mullo_epi32(a.low, b.low), _mm256_mullo_epi32(a.high, b.high));
}

EM_INLINE em_lanes em_lanes_max(em_lanes a, em_lanes b)
{
  return em_lanes_of(_mm256_max_epi32(a.low, b.low), _mm256_max_epi32(a.high, b.high));
}

EM_INLINE em_lanes em_lanes_xor(em_lanes a, em_lanes b)
{
  return em_lanes_of(_mm256_xor_si256(a.low, b.low), _mm256_xor_si256(a.high, b.high));
}

EM_INLINE em_lanes em_lanes_shift_left(em_lanes a, em_lanes by)
{
  return em_lanes_of(_mm256_sllv_epi32(a.low, by.low), _mm256_sllv_epi32(a.high, by.high));
}

EM_INLINE em_lanes em_lanes_extend_bytes(__m128i bytes)
{
  return em_lanes_of(_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8)));
}

/* 16 signed bytes. */
EM_INLINE em_lanes em_lanes_extend(const int8_t *from)
{
  return em_lanes_extend_bytes(_mm_loadu_si128((const __m128i *)(const void *)from));
}

/* The first `count` of them, at most 15, and zeros. From 8 on two loads overlap: bytes put together
 * in memory would wait for the stores.
 */
EM_INLINE em_lanes em_lanes_extend_some(const int8_t *from, int count)
{
  uint64_t low = 0, high = 0;
  if (count >= 8) {
    EM_COPY(&low, from, 8);
    EM_COPY(&high, from + count - 8, 8);
    high = count == 8 ? 0 : high >> 8 * (16 - count);
  } else {
    for (int i = 0; i < count; ++i) low |= (uint64_t)(uint8_t)from[i] << 8 * i;
  }
  return em_lanes_extend_bytes(_mm_set_epi64x((int64_t)high, (int64_t)low));
}

/* Each lane's bytes one down, the lowest byte of `byte` above them. */
EM_INLINE em_lanes em_lanes_push(em_lanes word, em_lanes byte)
{
  return em_lanes_of(
      _mm256_or_si256(_mm256_srli_epi32(word.low, 8), _mm256_slli_epi32(byte.low, 24)),
      _mm256_or_si256(_mm256_srli_epi32(word.high, 8), _mm256_slli_epi32(byte.high, 24)));
}

EM_INLINE void em_half_split(const em_channel *from, __m256i *bias, __m256i *multiplier)
{
  const __m256i *const at = (const __m256i *)(const void *)from;
  const __m256i order = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  const __m256i low = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(at), order);
  const __m256i high = _mm256_permutevar8x32_epi32(_mm256_loadu_si256(at + 1), order);
  *bias = _mm256_permute2x128_si256(low, high, 0x20);
  *multiplier = _mm256_permute2x128_si256(low, high, 0x31);
}

EM_INLINE void em_lanes_split(const em_channel *from, em_lanes *bias, em_lanes *multiplier)
{
  em_half_split(from, &bias->low, &multiplier->low);
  em_half_split(from + 8, &bias->high, &multiplier->high);
}

/* Four weights for each lane, and adding the products of each lane's four activations and
 * weights. */
#if EM_VNNI
EM_INLINE em_taps em_lanes_taps(const int8_t *from)
{
  return em_lanes_load(from);
}

EM_INLINE em_lanes em_lanes_dot(em_lanes sum, em_lanes x, em_taps w)
{
  return em_lanes_of(_mm256_dpbusd_avx_epi32(sum.low, x.low, w.low),
                     _mm256_dpbusd_avx_epi32(sum.high, x.high, w.high));
}
#else
EM_INLINE em_taps em_lanes_taps(const int8_t *from)
{
  const em_lanes w = em_lanes_load(from);
  em_taps t;
  t.even = em_lanes_of(_mm256_srai_epi16(_mm256_slli_epi16(w.low, 8), 8),
                       _mm256_srai_epi16(_mm256_slli_epi16(w.high, 8), 8));
  t.odd = em_lanes_of(_mm256_srai_epi16(w.low, 8), _mm256_srai_epi16(w.high, 8));
  return t;
}

EM_INLINE __m256i em_half_dot(__m256i sum, __m256i x, __m256i w_even, __m256i w_odd)
{
  const __m256i even = _mm256_madd_epi16(_mm256_and_si256(x, _mm256_set1_epi16(255)), w_even);
  return _mm256_add_epi32(_mm256_add_epi32(sum, even),
                          _mm256_madd_epi16(_mm256_srli_epi16(x, 8), w_odd));
}

EM_INLINE em_lanes em_lanes_dot(em_lanes sum, em_lanes x, em_taps w)
{
  return em_lanes_of(em_half_dot(sum.low, x.low, w.even.low, w.odd.low),
                     em_half_dot(sum.high, x.high, w.even.high, w.odd.high));
}
#endif

EM_INLINE em_half_scale em_half_scale_make(__m256i multiplier, __m256i rounding, __m256i shift)
{
  const __m256i half = _mm256_set1_epi64x(INT64_C(0x80000000));
  em_half_scale s;
  s.even = multiplier;
  s.odd = _mm256_srli_epi64(multiplier, 32);
  s.start_even = _mm256_or_si256(_mm256_slli_epi64(rounding, 32), half);
  s.start_odd = _mm256_blend_epi32(half, rounding, 0xaa);
  s.shift = shift;
  return s;
}

EM_INLINE em_scale em_scale_make(em_lanes multiplier, em_lanes rounding, em_lanes shift)
{
  em_scale s;
  s.low = em_half_scale_make(multiplier.low, rounding.low, shift.low);
  s.high = em_half_scale_make(multiplier.high, rounding.high, shift.high);
  return s;
}

/* em_requantise, before the limits: the upper halves of the 64-bit sums are what em_multiply_high
 * returns. */
EM_INLINE __m256i em_half_requantise(__m256i v, const em_half_scale *s)
{
  const __m256i twice = _mm256_add_epi32(v, v);
  const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(twice, s->even), s->start_even);
  const __m256i odd =
      _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(twice, 32), s->odd), s->start_odd);
  const __m256i high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
  return _mm256_srav_epi32(_mm256_add_epi32(high, _mm256_srai_epi32(v, 31)), s->shift);
}

EM_INLINE em_lanes em_lanes_requantise(em_lanes v, const em_scale *s)
{
  return em_lanes_of(em_half_requantise(v.low, &s->low), em_half_requantise(v.high, &s->high));
}

/* Stores `count` lanes as bytes within the limits. */
EM_INLINE void em_lanes_put(int8_t *out, em_lanes v, int32_t minimum, int32_t maximum, int count)
{
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(v.low, v.high), 0xd8);
  __m128i bytes =
      _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  if (minimum > -128) bytes = _mm_max_epi8(bytes, _mm_set1_epi8((char)minimum));
  if (maximum < 127) bytes = _mm_min_epi8(bytes, _mm_set1_epi8((char)maximum));
  if (count == 16) {
    _mm_storeu_si128((__m128i *)(void *)out, bytes);
  } else {
    int8_t every[16];
    _mm_storeu_si128((__m128i *)(void *)every, bytes);
    memcpy(out, every, (size_t)count);
  }
}

EM_INLINE void em_flip_vector(uint8_t *to, const int8_t *from)
{
  const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)from);
  _mm256_storeu_si256((__m256i *)(void *)to, _mm256_xor_si256(bytes, _mm256_set1_epi8(-128)));
}

#endif
