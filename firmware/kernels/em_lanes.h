/* Sixteen 32-bit lanes for x86-64: one vector of AVX-512 with VNNI, two of AVX2 with or without
 * VNNI, or an array in C.
 *
 * What the compiler may use is what it was told with -march or -m; each way gives the same bytes.
 * Activations lie here as unsigned bytes, 128 above their values, because VPDPBUSD wants them so;
 * without it two VPMADDWD do the same. VPMADDUBSW is of no use: it saturates.
 */
#ifndef EM_LANES_H
#define EM_LANES_H

#include "em_common.h"

#if defined(__AVX512VNNI__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#include "em_lanes_512.h"
#elif defined(__AVX2__)
#include "em_lanes_256.h"
#else
#include "em_lanes_c.h"
#endif

enum { EM_LANE_COUNT = 16 };

/* The requantisation of 16 channels; see em_requantise. */
EM_INLINE em_scale em_scale_of(em_lanes multiplier, em_lanes shift, int zero_point)
{
  const em_lanes unit = em_lanes_all(2 * zero_point + 1);
  return em_scale_make(multiplier, em_lanes_shift_left(unit, em_lanes_add(shift, em_lanes_all(-1))),
                       shift);
}

/* Up to 16 channels: what they need beside their weights. */
typedef struct {
  em_lanes start; /* the bias less 128 for each weight, since the activations are 128 too high */
  em_scale scale;
  const em_channel *channel;
  const int8_t *shift;
  int count;
} em_group;

/* `weights` start with 16 int32 that take the 128s off: -128 * the channel's sum of weights. */
EM_INLINE em_group em_load_group(const int8_t *weights, const em_channel *channel,
                                 const int8_t *shift, int left, const em_output *output,
                                 const int rounding)
{
  em_channel channels[EM_LANE_COUNT];
  int8_t shifts[EM_LANE_COUNT];
  em_lanes bias, multiplier;
  em_group g;
  g.channel = channel;
  g.shift = shift;
  g.count = left < EM_LANE_COUNT ? left : EM_LANE_COUNT;
  if (g.count < EM_LANE_COUNT) {
    memset(channels, 0, sizeof channels);
    memset(shifts, 1, sizeof shifts);
    memcpy(channels, channel, (size_t)g.count * sizeof *channel);
    memcpy(shifts, shift, (size_t)g.count);
    channel = channels;
    shift = shifts;
  }
  em_lanes_split(channel, &bias, &multiplier);
  g.start = em_lanes_add(bias, em_lanes_load(weights));
  g.scale =
      em_scale_of(multiplier, rounding == EM_ROUND_FAST ? em_lanes_extend(shift) : em_lanes_all(1),
                  output->zero_point);
  return g;
}

/* Requantises a pixel's sums of a group and stores them. */
EM_INLINE void em_store_group(em_lanes sums, const em_group *g, const em_output *output,
                              int8_t *out, const int rounding)
{
  if (rounding == EM_ROUND_FAST) {
    em_lanes_put(out, em_lanes_requantise(sums, &g->scale), output->minimum, output->maximum,
                 g->count);
  } else {
    int32_t each[EM_LANE_COUNT];
    em_lanes_store(each, sums);
    for (int i = 0; i < g->count; ++i) {
      out[i] = em_finish(each[i], g->channel[i].multiplier, g->shift[i], output, rounding);
    }
  }
}

/* Copies `count` bytes and makes them unsigned. */
EM_INLINE void em_flip(uint8_t *to, const int8_t *from, int count)
{
  int i = 0;
  for (; i + EM_FLIP_BYTES <= count; i += EM_FLIP_BYTES) em_flip_vector(to + i, from + i);
  for (; i + 8 <= count; i += 8) {
    uint64_t bytes;
    EM_COPY(&bytes, from + i, 8);
    bytes ^= UINT64_C(0x8080808080808080);
    EM_COPY(to + i, &bytes, 8);
  }
  for (; i < count; ++i) to[i] = (uint8_t)(from[i] ^ -128);
}

#endif
