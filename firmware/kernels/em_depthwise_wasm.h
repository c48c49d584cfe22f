/* The body of em_depthwise_neon.h in WebAssembly with 128-bit SIMD. */
#ifndef EM_DEPTHWISE_WASM_H
#define EM_DEPTHWISE_WASM_H

#include "em_wasm.h"
#include "em_neon.h"

#if defined(__wasm_simd128__)
#define EM_OWN_TAPS 1

/* 16 or 8 weights or elements, and 16 or 8 sums of two products. */
typedef v128_t em_taps;
typedef struct {
  v128_t half[2];
} em_products;

EM_INLINE em_products em_no_products(void)
{
  const em_products result = {{wasm_i64x2_const_splat(0), wasm_i64x2_const_splat(0)}};
  return result;
}

EM_INLINE em_taps em_load_taps(const int8_t *from, const int width)
{
  return width == 16 ? wasm_v128_load(from) : wasm_v128_load64_zero(from);
}

EM_INLINE em_products em_multiply_taps(em_taps x, em_taps w, const int width)
{
  em_products result;
  result.half[0] = wasm_i16x8_extmul_low_i8x16(x, w);
  result.half[1] = width == 16 ? wasm_i16x8_extmul_high_i8x16(x, w) : result.half[0];
  return result;
}

EM_INLINE em_products em_multiply_more(em_products p, em_taps x, em_taps w, const int width)
{
  p.half[0] = wasm_i16x8_add(p.half[0], wasm_i16x8_extmul_low_i8x16(x, w));
  if (width == 16) p.half[1] = wasm_i16x8_add(p.half[1], wasm_i16x8_extmul_high_i8x16(x, w));
  return p;
}

EM_INLINE void em_add_taps(em_lanes *sums, em_products p, const int width)
{
  sums[0] = wasm_i32x4_add(sums[0], wasm_i32x4_extend_low_i16x8(p.half[0]));
  sums[1] = wasm_i32x4_add(sums[1], wasm_i32x4_extend_high_i16x8(p.half[0]));
  if (width == 16) {
    sums[2] = wasm_i32x4_add(sums[2], wasm_i32x4_extend_low_i16x8(p.half[1]));
    sums[3] = wasm_i32x4_add(sums[3], wasm_i32x4_extend_high_i16x8(p.half[1]));
  }
}
#endif

#include "em_depthwise_neon.h"

#endif
