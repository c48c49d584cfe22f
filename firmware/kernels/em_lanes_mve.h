/* Four sums requantised at once with the vector instructions of Armv8.1-M, for depthwise layers. */
#ifndef EM_LANES_MVE_H
#define EM_LANES_MVE_H

#include "em_common.h"

/* How a channel's sums become outputs, as the loops want it. */
typedef struct {
  int32_t bias;
  int32_t multiplier;
  int32_t left; /* shift to the left */
} em_lane_channel;

EM_INLINE em_lane_channel em_lane_channel_of(const em_channel *channel, int shift)
{
  const em_lane_channel lane = {channel->bias, channel->multiplier, -shift};
  return lane;
}

#if defined(__ARM_FEATURE_MVE)
/* Requantises the sums in r0, r2, r4, r6 into q6: em_requantise, zero point, int8 in each lane's
 * low byte. */
#define EM_REQUANTISE_LANES             \
  "vmov q5[2], q5[0], r0, r4\n\t"       \
  "vmov q5[3], q5[1], r2, r6\n\t"       \
  "vadd.i32 q5, q5, r3\n\t"             \
  "vqrdmulh.s32 q6, q5, r5\n\t"         \
  "vshr.s32 q5, q5, #31\n\t"            \
  "vadd.i32 q6, q6, q5\n\t"             \
  "vrshl.s32 q6, r7\n\t"                \
  "vadd.i32 q6, q6, r8\n\t"             \
  "vqmovnb.s32 q6, q6\n\t"              \
  "vqmovnb.s16 q6, q6\n\t"
#endif

#endif
