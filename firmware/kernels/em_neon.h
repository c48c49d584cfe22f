/* Four 32-bit sums at a time on 64-bit Arm with Advanced SIMD (Neon), and their requantisation.
 * Elsewhere the same in plain C, so that other machines can check what is read and computed.
 */
#ifndef EM_NEON_H
#define EM_NEON_H

#include "em_common.h"

#if defined(__aarch64__) && defined(__ARM_NEON)
#define EM_NEON 1
#include <arm_neon.h>
#else
#define EM_NEON 0
#endif

/* One copy of the inner loops, for 4 channels at once: for size, and without optimisation, when
 * compilers would expand every branch of every layer.
 */
#if EM_SIZE || (defined(__GNUC__) && !defined(__OPTIMIZE__))
#define EM_NEON_ONE_COPY 1
#else
#define EM_NEON_ONE_COPY 0
#endif

enum { EM_NEON_CHANNELS = 16 }; /* channels that are done at once: 4 vectors of sums for each
                                 * pixel */

#ifndef EM_OWN_LANES /* else another header has these for vectors of another kind: em_wasm.h */
/* Sums, or what else there is of 4 channels. */
#if EM_NEON
typedef int32x4_t em_lanes;
#else
typedef struct {
  int32_t lane[4];
} em_lanes;
#endif

/* 16 elements. */
#if EM_NEON
typedef int8x16_t em_run;
#else
typedef struct {
  int8_t at[16];
} em_run;
#endif

EM_INLINE em_run em_load_run(const int8_t *from)
{
#if EM_NEON
  return vld1q_s8(from);
#else
  em_run result;
  memcpy(result.at, from, sizeof result.at);
  return result;
#endif
}

/* Stores the 4 elements from `first` on. */
EM_INLINE void em_store_word(int8_t *to, em_run run, int first)
{
#if EM_NEON
  int8_t at[16];
  vst1q_s8(at, run);
  memcpy(to, at + first, 4);
#else
  memcpy(to, run.at + first, 4);
#endif
}

EM_INLINE void em_store_lanes(int32_t *to, em_lanes lanes)
{
#if EM_NEON
  vst1q_s32(to, lanes);
#else
  memcpy(to, lanes.lane, sizeof lanes.lane);
#endif
}

EM_INLINE em_lanes em_max_lanes(em_lanes a, em_lanes b)
{
#if EM_NEON
  return vmaxq_s32(a, b);
#else
  for (int i = 0; i < 4; ++i) a.lane[i] = a.lane[i] > b.lane[i] ? a.lane[i] : b.lane[i];
  return a;
#endif
}

/* Biases and multipliers of 4 channels. */
typedef struct {
  em_lanes bias, multiplier;
} em_lane_channels;

EM_INLINE em_lane_channels em_load_channels(const em_channel *channels)
{
#if EM_NEON
  const int32x4x2_t both = vld2q_s32((const int32_t *)(const void *)channels);
  const em_lane_channels result = {both.val[0], both.val[1]};
#else
  em_lane_channels result;
  for (int i = 0; i < 4; ++i) {
    result.bias.lane[i] = channels[i].bias;
    result.multiplier.lane[i] = channels[i].multiplier;
  }
#endif
  return result;
}

/* `groups` times 4 right shifts, negated: vectors shift to the left. */
EM_INLINE void em_load_shifts(em_lanes *shifts, const int8_t *from, const int groups)
{
#if EM_NEON
  for (int i = 0; i < groups; i += 2) {
    int8x8_t bytes;
    if (i + 1 < groups) {
      bytes = vld1_s8(from + 4 * i);
    } else {
      uint32_t word;
      EM_COPY(&word, from + 4 * i, 4);
      bytes = vcreate_s8(word);
    }
    const int16x8_t negated = vsubl_s8(vdup_n_s8(0), bytes);
    shifts[i] = vmovl_s16(vget_low_s16(negated));
    if (i + 1 < groups) shifts[i + 1] = vmovl_high_s16(negated);
  }
#else
  for (int i = 0; i < 4 * groups; ++i) shifts[i / 4].lane[i % 4] = -from[i];
#endif
}

#if EM_NEON
/* em_requantise without its zero point: SQRDMULH rounds ties up, and so does SRSHL; a negative sum
 * less 1 in between makes the second rounding one with ties away from zero.
 */
EM_INLINE int16x4_t em_requantise_lanes(int32x4_t sums, int32x4_t multiplier, int32x4_t shift)
{
  return vqmovn_s32(vrshlq_s32(vsraq_n_s32(vqrdmulhq_s32(sums, multiplier), sums, 31), shift));
}

/* Saturated sums of 16 bits, with the zero point, within the activation's limits. Saturating twice
 * over changes nothing: a value that does not fit 16 bits doesn't fit 8 bits either, with any zero
 * point.
 */
EM_INLINE int8x8_t em_limit_lanes(int16x4_t first, int16x4_t second, const em_output *output)
{
  const int16x8_t both = vqaddq_s16(vcombine_s16(first, second), vdupq_n_s16(output->zero_point));
  int8x8_t bytes = vqmovn_s16(both);
  if (output->minimum > -128) bytes = vmax_s8(bytes, vdup_n_s8((int8_t)output->minimum));
  if (output->maximum < 127) bytes = vmin_s8(bytes, vdup_n_s8((int8_t)output->maximum));
  return bytes;
}
#endif

/* Requantises `groups` times 4 sums with EM_ROUND_FAST and stores them. */
EM_INLINE void em_finish_lanes(const em_lanes *sums, const em_lanes *multipliers,
                               const em_lanes *shifts, int8_t *out, const em_output *output,
                               const int groups)
{
#if EM_NEON
  EM_UNROLL(2)
  for (int i = 0; i < groups; i += 2) {
    const int16x4_t first = em_requantise_lanes(sums[i], multipliers[i], shifts[i]);
    if (i + 1 < groups) {
      const int16x4_t second = em_requantise_lanes(sums[i + 1], multipliers[i + 1], shifts[i + 1]);
      vst1_s8(out + 4 * i, em_limit_lanes(first, second, output));
    } else {
      const uint32_t word =
          vget_lane_u32(vreinterpret_u32_s8(em_limit_lanes(first, first, output)), 0);
      EM_COPY(out + 4 * i, &word, 4);
    }
  }
#else
  for (int i = 0; i < 4 * groups; ++i) {
    out[i] = em_finish(sums[i / 4].lane[i % 4], multipliers[i / 4].lane[i % 4],
                       -shifts[i / 4].lane[i % 4], output, EM_ROUND_FAST);
  }
#endif
}
#endif

/* The channels that are done at once: `lanes` of them, and how to requantise each. */
typedef struct {
  const em_channel *channels; /* made up to a multiple of 4, as are the shifts */
  const int8_t *shifts;
  int lanes;
} em_lane_block;

/* Room for channels that are no multiple of 4. */
typedef struct {
  em_channel channels[EM_NEON_CHANNELS];
  int8_t shifts[EM_NEON_CHANNELS];
} em_lane_room;

/* Makes `lanes` channels up to a multiple of 4; what is beyond is not stored. */
EM_INLINE em_lane_block em_lane_block_of(const em_channel *channels, const int8_t *shifts,
                                         int lanes, int wanted, em_lane_room *room)
{
  em_lane_block block = {channels, shifts, lanes};
  if (lanes == wanted) return block;
  memset(room, 0, sizeof *room);
  memcpy(room->channels, channels, (size_t)lanes * sizeof *channels);
  memset(room->shifts, 1, sizeof room->shifts);
  memcpy(room->shifts, shifts, (size_t)lanes);
  block.channels = room->channels;
  block.shifts = room->shifts;
  return block;
}

/* Requantises and stores a block's sums at one pixel. */
EM_INLINE void em_store_block(const em_lanes *sums, const em_lanes *multipliers,
                              const em_lanes *shifts, const em_lane_block *block, int8_t *out,
                              const em_output *output, const int groups, const int rounding)
{
  if (rounding != EM_ROUND_FAST) {
    int32_t every[EM_NEON_CHANNELS];
    for (int i = 0; i < groups; ++i) em_store_lanes(every + 4 * i, sums[i]);
    for (int i = 0; i < block->lanes; ++i) {
      out[i] =
          em_finish(every[i], block->channels[i].multiplier, block->shifts[i], output, rounding);
    }
  } else if (block->lanes == 4 * groups) {
    em_finish_lanes(sums, multipliers, shifts, out, output, groups);
  } else {
    int8_t bytes[EM_NEON_CHANNELS];
    em_finish_lanes(sums, multipliers, shifts, bytes, output, groups);
    memcpy(out, bytes, (size_t)block->lanes);
  }
}

#endif
