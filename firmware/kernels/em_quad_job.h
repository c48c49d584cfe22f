/* What the assembly that does all channels of a quad, or of a pool, is called with:
 * em_quad_thumb1.h and em_quad_thumb2.h.
 *
 * Each channel's first byte of weights says how many taps a group has, and so which loop it is done
 * by. A loop for groups of g goes on at the job's `after[g - 1]` with what is left of the taps, if
 * anything is, and from there at its `ending`, which does something with the sums and goes on with
 * the next channel, or returns.
 */
#ifndef EM_QUAD_JOB_H
#define EM_QUAD_JOB_H

#include "em_common.h"

typedef void em_code(void);

/* How groups of so many are done: from what the sums start beside the bias, and where in their
 * loop. `limit` is the address of the words at which it ends (Thumb-2), or 1 more than the taps
 * that it does (Thumb-1).
 */
typedef struct {
  const uint32_t *words;
  uint32_t start;
  em_code *entry;
  uintptr_t limit;
} em_quad_groups;

typedef struct {
  const em_channel *channel;
  const int8_t *shift;
  int8_t *out; /* of the first pixel; of em_quad_keep: em_running_sums */
  int32_t unit; /* 2 * zero_point + 1 */
  em_quad_groups groups[4];
  int32_t b0, a1, b1; /* from the first pixel's output to the others' */
  const int8_t *out_end; /* of the first pixel */
  em_code *after[4];
  em_code *ending;
  const int8_t *weights;
  int32_t best;              /* pool: the largest sum so far, on Thumb-2 twice that */
  const uint32_t *words_end; /* pool: of its last quad */
  int32_t weight_bytes;      /* of a channel, its first byte included */
  em_code *exact;            /* Thumb-1: what requantises four sums */
} em_quad_job;

/* What em_quad_keep stores: of each pair all that was multiplied, on Thumb-2 twice that, and pixel
 * b's part of it. */
typedef struct {
  uint32_t total0;
  int32_t high0;
  uint32_t total1;
  int32_t high1;
} em_running_sums;

#endif
