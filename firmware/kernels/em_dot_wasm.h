/* The body of em_dot_neon.h for WebAssembly with 128-bit SIMD: i32x4.dot_i16x8_s multiplies 8
 * elements of 16 bits and adds the products in pairs to 4 sums of 32 bits, where no two of them can
 * overflow.
 *
 * Of 4 channels' 4 elements, the first two of each channel stand first, then the last two, as for
 * em_dot_smull.h.
 */
#ifndef EM_DOT_WASM_H
#define EM_DOT_WASM_H

#include "em_wasm.h"
#include "em_neon.h"

#if defined(__wasm_simd128__)
/* The first two elements as 16 bits, and the last two, each four times. */
typedef struct {
  v128_t first, second;
} em_elements;

/* Elements 2 * i to 2 * i + 3 of 8; `i` is constant. */
EM_INLINE em_elements em_spread_half(v128_t wide, const int i)
{
  em_elements result;
  if (i == 0) {
    result.first = wasm_i32x4_shuffle(wide, wide, 0, 0, 0, 0);
    result.second = wasm_i32x4_shuffle(wide, wide, 1, 1, 1, 1);
  } else {
    result.first = wasm_i32x4_shuffle(wide, wide, 2, 2, 2, 2);
    result.second = wasm_i32x4_shuffle(wide, wide, 3, 3, 3, 3);
  }
  return result;
}

EM_INLINE em_elements em_spread(uint32_t word)
{
  return em_spread_half(wasm_i16x8_extend_low_i8x16(wasm_u32x4_splat(word)), 0);
}

EM_INLINE em_elements em_load_elements(const int8_t *from)
{
  return em_spread_half(wasm_i16x8_extend_low_i8x16(wasm_v128_load32_zero(from)), 0);
}

/* Elements 4 * i to 4 * i + 3 of 16; `i` is constant. */
EM_INLINE em_elements em_spread_word(em_run run, const int i)
{
  return em_spread_half(
      i < 2 ? wasm_i16x8_extend_low_i8x16(run) : wasm_i16x8_extend_high_i8x16(run), i % 2);
}

EM_INLINE em_lanes em_add_products(em_lanes sums, const int8_t *weights, em_elements x)
{
  sums = wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weights), x.first));
  return wasm_i32x4_add(sums, wasm_i32x4_dot_i16x8(wasm_i16x8_load8x8(weights + 8), x.second));
}
#else
#include "em_elements.h"

EM_INLINE em_lanes em_add_products(em_lanes sums, const int8_t *weights, em_elements x)
{
  for (int i = 0; i < 4; ++i) {
    const int8_t *w = weights + 2 * i;
    sums.lane[i] +=
        w[0] * x.element[0] + w[1] * x.element[1] + w[8] * x.element[2] + w[9] * x.element[3];
  }
  return sums;
}
#endif

#include "em_dot_neon.h"

#endif
