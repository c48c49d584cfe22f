/* SOFTMAX, LOGISTIC and TANH on int16, by tables between whose entries they interpolate.
 *
 * in, out   int16; outputs have the scale 1/32768
 * An element is written after the last read of it and of all before it: `out` may start at or
 * before `in`.
 */
#ifndef EM_INT16_FUNCTIONS_H
#define EM_INT16_FUNCTIONS_H

#include "em_common.h"

typedef struct {
  int32_t rows;
  int32_t depth;      /* up to 65536, or the sum of exponentials would overflow */
  int32_t multiplier; /* Q31; turns a difference of inputs into 1/65535 of 10 */
  int16_t exponent;   /* up to 15 */
} em_int16_softmax_params;

typedef struct {
  int32_t count;
  int32_t multiplier; /* turns inputs into 1/12288, shifted up by `shift`; up to 65535 */
  int16_t shift;
} em_int16_sigmoid_params;

/* Between two of 513 entries, which are for -32768, -32640 and so on. */
EM_INLINE int32_t em_int16_interpolated(const int16_t *table, int32_t value)
{
  const int16_t *entry = table + 256 + (value >> 7);
  return entry[0] + (((entry[1] - entry[0]) * (value & 127) + 64) >> 7);
}

/* `exponentials` are exp of -10 to 0, `reciprocals` 1 / (1 + x) for 0 to 1, both in Q15. */
EM_KERNEL void em_int16_softmax(const em_int16_softmax_params *p, const int16_t *exponentials,
                                const int16_t *reciprocals, const int16_t *in, int16_t *out)
{
  for (int32_t row = 0; row < p->rows; ++row, in += p->depth, out += p->depth) {
    int32_t highest = -32768, sum = 0, scale;
    int shift = 30;
    for (int32_t c = 0; c < p->depth; ++c) highest = em_max(highest, in[c]);
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t difference = em_multiply_any(in[c] - highest, p->multiplier, p->exponent);
      out[c] =
          (int16_t)em_int16_interpolated(exponentials, em_clamp(difference + 32767, -32768, 32767));
      sum += out[c];
    }
    while (sum >> shift == 0) --shift; /* the sum's highest bit */
    scale = (int32_t)((((int64_t)sum << (30 - shift)) + 8192) >> 14) - 98304;
    scale = em_int16_interpolated(reciprocals, em_clamp(scale, -32768, 32767));
    for (int32_t c = 0; c < p->depth; ++c) {
      const int32_t value = (out[c] * scale + (1 << (shift - 1))) >> shift;
      out[c] = (int16_t)em_clamp(value, 0, 32767);
    }
  }
}

/* An input in 1/12288. */
EM_INLINE int32_t em_int16_argument(const em_int16_sigmoid_params *p, int32_t in)
{
  return (in * p->multiplier + (p->shift > 0 ? 1 << (p->shift - 1) : 0)) >> p->shift;
}

/* `table` has the logistic function of i / 24 in Q16. */
EM_KERNEL void em_int16_logistic(const em_int16_sigmoid_params *p, const uint16_t *table,
                                 const int16_t *in, int16_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) {
    const int32_t argument = em_int16_argument(p, in[i]);
    const uint32_t size = (uint32_t)(argument < 0 ? -argument : argument), entry = size >> 9;
    uint32_t value = 32767u << 10; /* Q25 */
    if (entry < 255)
      value = ((uint32_t)table[entry] << 9) +
          (size & 511) * ((uint32_t)table[entry + 1] - table[entry]);
    value = argument >= 0 ? value + 512 : (1u << 25) - value + 511;
    out[i] = (int16_t)(value >> 10);
  }
}

/* The same table: tanh(x) is 2 * logistic(2 * x) - 1. */
EM_KERNEL void em_int16_tanh(const em_int16_sigmoid_params *p, const uint16_t *table,
                             const int16_t *in, int16_t *out)
{
  for (int32_t i = 0; i < p->count; ++i) {
    const int32_t argument = em_int16_argument(p, in[i]);
    const uint32_t size = (uint32_t)(argument < 0 ? -argument : argument), entry = size >> 8;
    int32_t value = 65535 << 8; /* Q24 */
    if (entry < 255)
      value = (table[entry] << 8) + (int32_t)(size & 255) * (table[entry + 1] - table[entry]);
    value = argument >= 0 ? value - 8388608 + 128 : 8388608 - value + 127;
    out[i] = (int16_t)(value >> 8);
  }
}

#endif
