/* Sums over weights of which most are zero, for Cortex-M55 and M85: 16 stored weights and up to
 * eight pixels at once.
 *
 * The weights other than zero of an output channel stand in order of their places in the window, in
 * chunks of up to 16: how many there are, a byte each for how far they are from the chunk's base,
 * and the weights. What stands where the next chunk would start is below zero and ends the channel:
 * the shift to the right of its requantisation, negative. A channel without weights has one chunk
 * of none. The first base is the window's start; where a chunk's count has EM_CHUNKS_MOVES added,
 * two bytes follow it, the lower one first, by which the base moves on (`wide` layers only).
 *
 * A chunk is loaded once for all pixels; then each takes two instructions for 16 products: a
 * gathering load and VMLADAVA. On a real core a gathering load of bytes takes several cycles, on an
 * emulated one it is one instruction like any other: in cycles less is gained than in instructions.
 */
#ifndef EM_SPARSE_CHUNKS_H
#define EM_SPARSE_CHUNKS_H

#include "em_copy_mve.h"

enum { EM_CHUNKS_LANES = 8, EM_CHUNKS_HALF = 4, EM_CHUNKS_MOVES = 64, EM_CHUNKS_PASSES = 16 };

/* What all layers with such weights have. `pixels`: how many are done at a time, at most
 * EM_CHUNKS_LANES and no more than there are in a row. `wide`: whether bases move on.
 */
typedef struct {
  em_size out_channels;
  int16_t pixels;
  int16_t wide;
  em_output output;
} em_chunks_layer;

/* Where each pixel's window starts; lanes behind the last pixel repeat it. */
typedef struct {
  const int8_t *x[EM_CHUNKS_LANES];
} em_chunks_lanes;

/* All channels of so many pixels: what the loops below work on, which know the offsets on a core
 * with 32-bit addresses. */
typedef struct {
  const em_channel *channel;     /*  0 */
  int8_t *out;                   /*  4: the first pixel's */
  int32_t zero_point;            /*  8 */
  int8_t *out_end;               /* 12: of the first pixel */
  const int8_t *stream;          /* 16 */
  const em_chunks_lanes *first;  /* 20: windows, of which the largest sum counts */
  const em_chunks_lanes *end;    /* 24 */
  uint16_t places[EM_CHUNKS_LANES]; /* 28: each pixel's outputs from the first one's on: pixels 0,
                                     * 4, 1, 5, 2, 6, 3, 7 */
} em_chunks_job;

#include "em_chunks_mve.h"

#if defined(__ARM_FEATURE_MVE)
EM_INLINE void em_chunks_do(const em_chunks_job *job, const em_chunks_layer *layer,
                            const int pooled)
{
  const int rectified = layer->output.minimum >= layer->output.zero_point;
  if (layer->pixels <= EM_CHUNKS_HALF) {
    em_chunks_four_any(job);
  } else if (layer->wide || EM_SIZE) {
    em_chunks_eight_any(job);
  } else if (layer->pixels == EM_CHUNKS_LANES) {
    if (pooled && rectified) em_chunks_eight_pooled_rectified(job);
    if (pooled && !rectified) em_chunks_eight_pooled(job);
    if (!pooled && rectified) em_chunks_eight_rectified(job);
    if (!pooled && !rectified) em_chunks_eight(job);
  } else {
    if (pooled && rectified) em_chunks_seven_pooled_rectified(job);
    if (pooled && !rectified) em_chunks_seven_pooled(job);
    if (!pooled && rectified) em_chunks_seven_rectified(job);
    if (!pooled && !rectified) em_chunks_seven(job);
  }
}
#endif

/* Returns sum + the products of a chunk of `count` weights. */
EM_INLINE int32_t em_chunks_chunk(int32_t sum, const int8_t *chunk, int count, const int8_t *x)
{
#if defined(__ARM_FEATURE_MVE)
  __asm__("vctp.8 %[count]\n\t"
          "vpstt\n\t"
          "vldrbt.u8 q0, [%[offsets]]\n\t"
          "vldrbt.u8 q1, [%[weights]]\n\t"
          "vldrb.u8 q2, [%[x], q0]\n\t"
          "vmladava.s8 %[sum], q1, q2"
          : [sum] "+Te"(sum)
          : [count] "r"(count), [offsets] "r"(chunk), [weights] "r"(chunk + count), [x] "r"(x)
          : "q0", "q1", "q2", "cc", "memory");
#else
  for (int i = 0; i < count; ++i) sum += chunk[count + i] * x[(uint8_t)chunk[i]];
#endif
  return sum;
}

/* Returns a channel's sum at one window, without its bias; `end` is where the channel's negative
 * shift stands. */
EM_PART int32_t em_chunks_sum(const int8_t *stream, const int8_t *x, const int8_t **end)
{
  int32_t sum = 0;
  int count = *stream++;
  EM_ROLLED
  do {
    if (count >= EM_CHUNKS_MOVES) {
      x += (uint8_t)stream[0] + 256 * (uint8_t)stream[1];
      stream += 2;
      count -= EM_CHUNKS_MOVES;
    }
    sum = em_chunks_chunk(sum, stream, count, x);
    stream += 2 * count;
    count = *stream++;
  } while (count > 0);
  *end = stream - 1;
  return sum;
}

#if !defined(__ARM_FEATURE_MVE)
EM_PART void em_chunks_do(const em_chunks_job *job, const em_chunks_layer *layer, const int pooled)
{
  const int8_t *stream = job->stream;
  (void)pooled;
  for (int c = 0; c < layer->out_channels; ++c) {
    const int8_t *end = stream;
    for (int i = 0; i < layer->pixels; ++i) {
      int32_t best = INT32_MIN;
      for (const em_chunks_lanes *windows = job->first; windows != job->end; ++windows) {
        const int32_t sum = em_chunks_sum(stream, windows->x[i], &end);
        best = sum > best ? sum : best;
      }
      job->out[job->places[2 * (i % EM_CHUNKS_HALF) + i / EM_CHUNKS_HALF] + c] =
          em_finish(best + job->channel[c].bias, job->channel[c].multiplier, -*end, &layer->output,
                    EM_ROUND_FAST);
    }
    stream = end + 1;
  }
}
#endif

/* A job without windows and outputs. */
EM_INLINE em_chunks_job em_chunks_prepare(const em_chunks_layer *layer, const int8_t *stream,
                                          const em_channel *channels)
{
  em_chunks_job job = {channels, 0, layer->output.zero_point, 0, stream, 0, 0, {0}};
  const int distinct = layer->pixels <= EM_CHUNKS_HALF ? (int)EM_CHUNKS_HALF : (int)EM_CHUNKS_LANES;
  for (int lane = 0; lane < EM_CHUNKS_LANES; ++lane) {
    const int pixel = lane % distinct < layer->pixels ? lane % distinct : layer->pixels - 1;
    job.places[2 * (lane % EM_CHUNKS_HALF) + lane / EM_CHUNKS_HALF] =
        (uint16_t)(pixel * layer->out_channels);
  }
  return job;
}

/* Windows that start `step` bytes apart from `x` on. */
EM_INLINE em_chunks_lanes em_chunks_each_lane(const em_chunks_layer *layer, const int8_t *x,
                                              int step)
{
  em_chunks_lanes lanes;
  for (int lane = 0; lane < EM_CHUNKS_LANES; ++lane) {
    lanes.x[lane] = x + (lane < layer->pixels ? lane : layer->pixels - 1) * step;
  }
  return lanes;
}

/* All channels of a group of pixels, the first of which goes to `out`. */
EM_INLINE void em_chunks_group(em_chunks_job *job, const em_chunks_layer *layer, int8_t *out,
                               const int pooled)
{
  job->out = out;
  job->out_end = out + layer->out_channels;
  em_chunks_do(job, layer, pooled);
#if defined(__ARM_FEATURE_MVE)
  if (layer->output.minimum > -128 || layer->output.maximum < 127) {
    for (int i = 0; i < layer->pixels * layer->out_channels; ++i) {
      out[i] = (int8_t)em_clamp(out[i], layer->output.minimum, layer->output.maximum);
    }
  }
#endif
}

#endif
