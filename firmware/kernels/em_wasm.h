/* The vectors of em_neon.h in WebAssembly with 128-bit SIMD: four 32-bit sums at a time, and their
 * requantisation. Elsewhere em_neon.h has the same in plain C.
 */
#ifndef EM_WASM_H
#define EM_WASM_H

#include "em_common.h"

#if defined(__wasm_simd128__)
#define EM_OWN_LANES 1
#include <wasm_simd128.h>

typedef v128_t em_lanes;
typedef v128_t em_run; /* 16 elements */

EM_INLINE em_run em_load_run(const int8_t *from)
{
  return wasm_v128_load(from);
}

EM_INLINE void em_store_lanes(int32_t *to, em_lanes lanes)
{
  wasm_v128_store(to, lanes);
}

EM_INLINE em_lanes em_max_lanes(em_lanes a, em_lanes b)
{
  return wasm_i32x4_max(a, b);
}

/* Biases and multipliers of 4 channels. */
typedef struct {
  em_lanes bias, multiplier;
} em_lane_channels;

EM_INLINE em_lane_channels em_load_channels(const em_channel *channels)
{
  const v128_t first = wasm_v128_load(channels), second = wasm_v128_load(channels + 2);
  const em_lane_channels result = {wasm_i32x4_shuffle(first, second, 0, 2, 4, 6),
                                   wasm_i32x4_shuffle(first, second, 1, 3, 5, 7)};
  return result;
}

/* `groups` times 4 right shifts (1 to 30), each as 2^(31 - shift): vectors shift all lanes alike,
 * but multiply each by its own. A float's exponent makes the power, and no power is rounded.
 */
EM_INLINE void em_load_shifts(em_lanes *shifts, const int8_t *from, const int groups)
{
  EM_UNROLL(4)
  for (int i = 0; i < groups; ++i) {
    const v128_t bytes = wasm_v128_load32_zero(from + 4 * i);
    const v128_t words = wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(bytes));
    const v128_t exponents =
        wasm_i32x4_shl(wasm_i32x4_sub(wasm_i32x4_const_splat(127 + 31), words), 23);
    shifts[i] = wasm_i32x4_trunc_sat_f32x4(exponents);
  }
}

/* em_product of em_fixedpoint.h, four times: round(a * b / 2^31), ties up. */
EM_INLINE v128_t em_product_lanes(v128_t a, v128_t b)
{
  const v128_t half = wasm_i64x2_const_splat(1073741824);
  const v128_t low = wasm_u64x2_shr(wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(a, b), half), 31);
  const v128_t high = wasm_u64x2_shr(wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(a, b), half), 31);
  return wasm_i32x4_shuffle(low, high, 0, 2, 4, 6);
}

/* em_requantise without its zero point: a negative sum less 1 in between makes the second rounding,
 * which has ties up, one with ties away from zero.
 */
EM_INLINE v128_t em_requantise_lanes(v128_t sums, v128_t multiplier, v128_t power)
{
  return em_product_lanes(
      wasm_i32x4_add(em_product_lanes(sums, multiplier), wasm_i32x4_shr(sums, 31)), power);
}

/* Requantises `groups` times 4 sums with EM_ROUND_FAST and stores them. Saturating to 16 and then
 * to 8 bits changes nothing that the activation's limits would not.
 */
EM_INLINE void em_finish_lanes(const em_lanes *sums, const em_lanes *multipliers,
                               const em_lanes *shifts, int8_t *out, const em_output *output,
                               const int groups)
{
  const v128_t zero_point = wasm_i32x4_splat(output->zero_point);
  EM_UNROLL(2)
  for (int i = 0; i < groups; i += 2) {
    const int next = i + 1 < groups ? i + 1 : i;
    const v128_t first =
        wasm_i32x4_add(em_requantise_lanes(sums[i], multipliers[i], shifts[i]), zero_point);
    const v128_t second = next == i
        ? first
        : wasm_i32x4_add(em_requantise_lanes(sums[next], multipliers[next], shifts[next]),
                         zero_point);
    const v128_t words = wasm_i16x8_narrow_i32x4(first, second);
    v128_t bytes = wasm_i8x16_narrow_i16x8(words, words);
    bytes = wasm_i8x16_max(bytes, wasm_i8x16_splat((int8_t)output->minimum));
    bytes = wasm_i8x16_min(bytes, wasm_i8x16_splat((int8_t)output->maximum));
    if (next == i) {
      wasm_v128_store32_lane(out + 4 * i, bytes, 0);
    } else {
      wasm_v128_store64_lane(out + 4 * i, bytes, 0);
    }
  }
}
#endif

#endif
