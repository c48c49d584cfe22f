/* Written before generated C where the CPU has AVX2 but not the VNNI that is to be tested: the instructions' meaning in C,
 * after Intel's Intrinsics Guide. TEST_AVX_VNNI or TEST_AVX512_VNNI says which. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define TEST_INLINE static inline __attribute__((unused))
#define TEST_EACH(lane) for (int lane = 0; lane < 16; lane++)

/* Adds the products of four unsigned and four signed bytes. */
TEST_INLINE int32_t test_dot(int32_t sum, uint32_t x, uint32_t w)
{
  for (int byte = 0; byte < 4; byte++)
    sum += (int32_t)((x >> (8 * byte)) & 255) * (int8_t)(uint8_t)((w >> (8 * byte)) & 255);
  return sum;
}

#if defined(TEST_AVX_VNNI)
#define __AVXVNNI__ 1
#define _mm256_dpbusd_avx_epi32 test_dpbusd_256

TEST_INLINE __m256i test_dpbusd_256(__m256i sum, __m256i x, __m256i w)
{
  int32_t s[8];
  uint32_t a[8], b[8];
  memcpy(s, &sum, 32), memcpy(a, &x, 32), memcpy(b, &w, 32);
  for (int lane = 0; lane < 8; lane++) s[lane] = test_dot(s[lane], a[lane], b[lane]);
  memcpy(&sum, s, 32);
  return sum;
}
#endif

#if defined(TEST_AVX512_VNNI)
#define __AVX512VNNI__ 1
#define __AVX512BW__ 1
#define __AVX512VL__ 1

typedef union {
  int32_t lane[16];
  uint32_t bits[16];
  int64_t wide[8];
  uint64_t wide_bits[8];
  int8_t byte[64];
} test_vector;

#define __m512i test_vector

/* A function of one or two vectors, lane by lane. */
#define TEST_OF_LANES(name, lanes, result, value) \
  TEST_INLINE test_vector test_##name(test_vector a, test_vector b) \
  { \
    test_vector v; \
    for (int i = 0; i < lanes; i++) v.result[i] = value; \
    return v; \
  }
#define TEST_OF_NUMBER(name, lanes, result, value) \
  TEST_INLINE test_vector test_##name(test_vector a, unsigned by) \
  { \
    test_vector v; \
    for (int i = 0; i < lanes; i++) v.result[i] = value; \
    return v; \
  }

TEST_OF_LANES(add_epi32, 16, bits, a.bits[i] + b.bits[i])
TEST_OF_LANES(add_epi64, 8, wide_bits, a.wide_bits[i] + b.wide_bits[i])
TEST_OF_LANES(mul_epi32, 8, wide, (int64_t)a.lane[2 * i] * b.lane[2 * i])
TEST_OF_LANES(mullo_epi32, 16, bits, a.bits[i] * b.bits[i])
TEST_OF_LANES(max_epi32, 16, lane, a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i])
TEST_OF_LANES(or_si512, 16, bits, a.bits[i] | b.bits[i])
TEST_OF_LANES(xor_si512, 16, bits, a.bits[i] ^ b.bits[i])
TEST_OF_LANES(sllv_epi32, 16, bits, b.bits[i] < 32 ? a.bits[i] << b.bits[i] : 0)
TEST_OF_LANES(srav_epi32, 16, lane, a.lane[i] >> (b.bits[i] < 32 ? b.bits[i] : 31))
TEST_OF_NUMBER(slli_epi32, 16, bits, by < 32 ? a.bits[i] << by : 0)
TEST_OF_NUMBER(srli_epi32, 16, bits, by < 32 ? a.bits[i] >> by : 0)
TEST_OF_NUMBER(srai_epi32, 16, lane, a.lane[i] >> (by < 32 ? by : 31))
TEST_OF_NUMBER(slli_epi64, 8, wide_bits, by < 64 ? a.wide_bits[i] << by : 0)
TEST_OF_NUMBER(srli_epi64, 8, wide_bits, by < 64 ? a.wide_bits[i] >> by : 0)

TEST_INLINE test_vector test_loadu_si512(const void *from)
{
  test_vector v;
  memcpy(&v, from, 64);
  return v;
}

TEST_INLINE void test_storeu_si512(void *to, test_vector v)
{
  memcpy(to, &v, 64);
}

TEST_INLINE test_vector test_set1_epi32(int32_t value)
{
  test_vector v;
  TEST_EACH(i) v.lane[i] = value;
  return v;
}

TEST_INLINE test_vector test_set1_epi64(int64_t value)
{
  test_vector v;
  for (int i = 0; i < 8; i++) v.wide[i] = value;
  return v;
}

TEST_INLINE test_vector test_set1_epi8(int value)
{
  test_vector v;
  memset(&v, value, 64);
  return v;
}

TEST_INLINE test_vector test_cvtepi8_epi32(__m128i bytes)
{
  int8_t from[16];
  test_vector v;
  memcpy(from, &bytes, 16);
  TEST_EACH(i) v.lane[i] = from[i];
  return v;
}

TEST_INLINE __m128i test_cvtsepi32_epi8(test_vector a)
{
  int8_t to[16];
  __m128i bytes;
  TEST_EACH(i) to[i] = (int8_t)(a.lane[i] < -128 ? -128 : a.lane[i] > 127 ? 127 : a.lane[i]);
  memcpy(&bytes, to, 16);
  return bytes;
}

TEST_INLINE test_vector test_dpbusd_epi32(test_vector sum, test_vector x, test_vector w)
{
  TEST_EACH(i) sum.lane[i] = test_dot(sum.lane[i], x.bits[i], w.bits[i]);
  return sum;
}

TEST_INLINE test_vector test_mask_blend_epi32(unsigned mask, test_vector a, test_vector b)
{
  TEST_EACH(i) if (mask >> i & 1) a.lane[i] = b.lane[i];
  return a;
}

TEST_INLINE test_vector test_mask_shuffle_epi32(test_vector from, unsigned mask, test_vector a, unsigned order)
{
  TEST_EACH(i) if (mask >> i & 1) from.lane[i] = a.lane[i / 4 * 4 + (int)(order >> (2 * (i % 4)) & 3)];
  return from;
}

TEST_INLINE test_vector test_permutex2var_epi32(test_vector a, test_vector order, test_vector b)
{
  test_vector v;
  TEST_EACH(i) v.lane[i] = (order.bits[i] & 16 ? b : a).lane[order.bits[i] & 15];
  return v;
}

TEST_INLINE __m128i test_maskz_loadu_epi8(unsigned mask, const void *from)
{
  int8_t to[16];
  __m128i bytes;
  TEST_EACH(i) to[i] = mask >> i & 1 ? ((const int8_t *)from)[i] : 0;
  memcpy(&bytes, to, 16);
  return bytes;
}

TEST_INLINE void test_mask_storeu_epi8(void *to, unsigned mask, __m128i bytes)
{
  int8_t from[16];
  memcpy(from, &bytes, 16);
  TEST_EACH(i) if (mask >> i & 1) ((int8_t *)to)[i] = from[i];
}

#undef _mm512_add_epi32
#define _mm512_add_epi32 test_add_epi32
#undef _mm512_add_epi64
#define _mm512_add_epi64 test_add_epi64
#undef _mm512_cvtepi8_epi32
#define _mm512_cvtepi8_epi32 test_cvtepi8_epi32
#undef _mm512_cvtsepi32_epi8
#define _mm512_cvtsepi32_epi8 test_cvtsepi32_epi8
#undef _mm512_dpbusd_epi32
#define _mm512_dpbusd_epi32 test_dpbusd_epi32
#undef _mm512_loadu_si512
#define _mm512_loadu_si512 test_loadu_si512
#undef _mm512_mask_blend_epi32
#define _mm512_mask_blend_epi32 test_mask_blend_epi32
#undef _mm512_mask_shuffle_epi32
#define _mm512_mask_shuffle_epi32 test_mask_shuffle_epi32
#undef _mm512_max_epi32
#define _mm512_max_epi32 test_max_epi32
#undef _mm512_mul_epi32
#define _mm512_mul_epi32 test_mul_epi32
#undef _mm512_mullo_epi32
#define _mm512_mullo_epi32 test_mullo_epi32
#undef _mm512_or_si512
#define _mm512_or_si512 test_or_si512
#undef _mm512_permutex2var_epi32
#define _mm512_permutex2var_epi32 test_permutex2var_epi32
#undef _mm512_set1_epi32
#define _mm512_set1_epi32 test_set1_epi32
#undef _mm512_set1_epi64
#define _mm512_set1_epi64 test_set1_epi64
#undef _mm512_set1_epi8
#define _mm512_set1_epi8 test_set1_epi8
#undef _mm512_setr_epi32
#define _mm512_setr_epi32(...) ((test_vector){{__VA_ARGS__}})
#undef _mm512_slli_epi32
#define _mm512_slli_epi32 test_slli_epi32
#undef _mm512_slli_epi64
#define _mm512_slli_epi64 test_slli_epi64
#undef _mm512_sllv_epi32
#define _mm512_sllv_epi32 test_sllv_epi32
#undef _mm512_srai_epi32
#define _mm512_srai_epi32 test_srai_epi32
#undef _mm512_srav_epi32
#define _mm512_srav_epi32 test_srav_epi32
#undef _mm512_srli_epi32
#define _mm512_srli_epi32 test_srli_epi32
#undef _mm512_srli_epi64
#define _mm512_srli_epi64 test_srli_epi64
#undef _mm512_storeu_si512
#define _mm512_storeu_si512 test_storeu_si512
#undef _mm512_xor_si512
#define _mm512_xor_si512 test_xor_si512
#undef _mm_mask_storeu_epi8
#define _mm_mask_storeu_epi8 test_mask_storeu_epi8
#undef _mm_maskz_loadu_epi8
#define _mm_maskz_loadu_epi8 test_maskz_loadu_epi8
#endif
