/* em_lanes.h in C, so that every machine can check what the vectors compute. */
#ifndef EM_LANES_C_H
#define EM_LANES_C_H

#include "em_common.h"

enum { EM_PIXELS = 4, EM_BLOCKS = 1, EM_FLIP_BYTES = 8 };

typedef struct {
  int32_t lane[16];
} em_lanes;

typedef struct {
  int8_t tap[64];
} em_taps;

typedef struct {
  em_lanes multiplier, rounding, shift;
} em_scale;

EM_INLINE em_lanes em_lanes_all(int32_t value)
{
  em_lanes v;
  for (int i = 0; i < 16; ++i) v.lane[i] = value;
  return v;
}

EM_INLINE em_lanes em_lanes_load(const void *from)
{
  em_lanes v;
  memcpy(v.lane, from, sizeof v.lane);
  return v;
}

EM_INLINE void em_lanes_store(void *to, em_lanes v)
{
  memcpy(to, v.lane, sizeof v.lane);
}

EM_INLINE em_lanes em_lanes_quad(const void *from)
{
  int32_t word;
  memcpy(&word, from, sizeof word);
  return em_lanes_all(word);
}

EM_INLINE em_lanes em_lanes_add(em_lanes a, em_lanes b)
{
  for (int i = 0; i < 16; ++i) a.lane[i] = (int32_t)((uint32_t)a.lane[i] + (uint32_t)b.lane[i]);
  return a;
}

EM_INLINE em_lanes em_lanes_multiply(em_lanes a, em_lanes b)
{
  for (int i = 0; i < 16; ++i) a.lane[i] = (int32_t)((uint32_t)a.lane[i] * (uint32_t)b.lane[i]);
  return a;
}

EM_INLINE em_lanes em_lanes_max(em_lanes a, em_lanes b)
{
  for (int i = 0; i < 16; ++i) a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
}

EM_INLINE em_lanes em_lanes_xor(em_lanes a, em_lanes b)
{
  for (int i = 0; i < 16; ++i) a.lane[i] ^= b.lane[i];
  return a;
}

EM_INLINE em_lanes em_lanes_shift_left(em_lanes a, em_lanes by)
{
  for (int i = 0; i < 16; ++i) a.lane[i] = (int32_t)((uint32_t)a.lane[i] << by.lane[i]);
  return a;
}

EM_INLINE em_lanes em_lanes_extend(const int8_t *from)
{
  em_lanes v;
  for (int i = 0; i < 16; ++i) v.lane[i] = from[i];
  return v;
}

EM_INLINE em_lanes em_lanes_extend_some(const int8_t *from, int count)
{
  em_lanes v;
  for (int i = 0; i < 16; ++i) v.lane[i] = i < count ? from[i] : 0;
  return v;
}

EM_INLINE em_lanes em_lanes_push(em_lanes word, em_lanes byte)
{
  for (int i = 0; i < 16; ++i) {
    word.lane[i] = (int32_t)((uint32_t)word.lane[i] >> 8 | (uint32_t)byte.lane[i] << 24);
  }
  return word;
}

EM_INLINE void em_lanes_split(const em_channel *from, em_lanes *bias, em_lanes *multiplier)
{
  for (int i = 0; i < 16; ++i) {
    bias->lane[i] = from[i].bias;
    multiplier->lane[i] = from[i].multiplier;
  }
}

EM_INLINE em_taps em_lanes_taps(const int8_t *from)
{
  em_taps t;
  memcpy(t.tap, from, sizeof t.tap);
  return t;
}

EM_INLINE em_lanes em_lanes_dot(em_lanes sum, em_lanes x, em_taps w)
{
  for (int i = 0; i < 16; ++i) {
    for (int k = 0; k < 4; ++k) {
      const int32_t value = (int32_t)((uint32_t)x.lane[i] >> 8 * k & 255);
      sum.lane[i] = (int32_t)((uint32_t)sum.lane[i] + (uint32_t)(value * w.tap[4 * i + k]));
    }
  }
  return sum;
}

EM_INLINE em_scale em_scale_make(em_lanes multiplier, em_lanes rounding, em_lanes shift)
{
  const em_scale s = {multiplier, rounding, shift};
  return s;
}

EM_INLINE em_lanes em_lanes_requantise(em_lanes v, const em_scale *s)
{
  for (int i = 0; i < 16; ++i) {
    const int32_t start = s->rounding.lane[i] + (v.lane[i] >> 31);
    v.lane[i] = em_multiply_high(start, v.lane[i] * 2, s->multiplier.lane[i]) >> s->shift.lane[i];
  }
  return v;
}

EM_INLINE void em_lanes_put(int8_t *out, em_lanes v, int32_t minimum, int32_t maximum, int count)
{
  for (int i = 0; i < count; ++i) out[i] = (int8_t)em_clamp(v.lane[i], minimum, maximum);
}

EM_INLINE void em_flip_vector(uint8_t *to, const int8_t *from)
{
  for (int i = 0; i < EM_FLIP_BYTES; ++i) to[i] = (uint8_t)(from[i] ^ -128);
}

#endif
