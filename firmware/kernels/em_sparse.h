/* The inner product over weights of which most are zero: only the others are stored, and only they
 * are multiplied.
 *
 * The weights of an output channel are a stream: how many pairs of weights follow, in one byte or,
 * `long_channels`, in two, the lower one first; then each pair in three bytes. The first holds in
 * its upper half how far it is from the weight before (from the window's start for the first) to
 * the pair's first weight and in its lower half how far from there to the second, in elements of
 * the window; the other two are the weights. What is farther than 15 elements away is reached over
 * weights of 0, and one of them makes an odd count even.
 *
 * A weight is loaded once for up to EM_SPARSE_PIXELS pixels, whose windows are contiguous and lie
 * `step` bytes apart.
 */
#ifndef EM_SPARSE_H
#define EM_SPARSE_H

#include "em_common.h"

/* With optimisation for size there is one body, for four pixels; one pixel is then done four times
 * over. */
enum { EM_SPARSE_SIZE_PIXELS = 4, EM_SPARSE_PIXELS = EM_SIZE ? EM_SPARSE_SIZE_PIXELS : 8 };

typedef struct {
  int32_t a[EM_SPARSE_PIXELS];
} em_sparse_sums;

/* What all layers with such weights have: how many pixels they do at a time, at most
 * EM_SPARSE_PIXELS, and no more than there are in a row; 1 or, for the body for size, at least 4.
 */
typedef struct {
  em_size out_channels;
  int16_t pixels;
  int16_t long_channels;
  em_output output;
} em_sparse_layer;

/* One channel's weights in the stream, and its windows: `passes_down` times `passes_across` of each
 * pixel, of which the largest sum counts.
 */
typedef struct {
  const int8_t *x;
  int step;
  int down;
  int across;
  int passes_down;
  int passes_across;
} em_sparse_windows;

EM_INLINE int em_sparse_pixels(const em_sparse_layer *layer)
{
  return EM_SIZE && layer->pixels > EM_SPARSE_SIZE_PIXELS ? (int)EM_SPARSE_SIZE_PIXELS
                                                          : layer->pixels;
}

#define EM_SPARSE_EACH(pixels, statement)                                                          \
  do {                                                                                             \
    { enum { i = 0 }; statement; }                                                                 \
    if ((pixels) > 1) { enum { i = 1 }; statement; }                                               \
    if ((pixels) > 2) { enum { i = 2 }; statement; }                                               \
    if ((pixels) > 3) { enum { i = 3 }; statement; }                                               \
    if (!EM_SIZE) {                                                                                \
      if ((pixels) > 4) { enum { i = EM_SIZE ? 0 : 4 }; statement; }                               \
      if ((pixels) > 5) { enum { i = EM_SIZE ? 0 : 5 }; statement; }                               \
      if ((pixels) > 6) { enum { i = EM_SIZE ? 0 : 6 }; statement; }                               \
      if ((pixels) > 7) { enum { i = EM_SIZE ? 0 : 7 }; statement; }                               \
    }                                                                                              \
  } while (0)

EM_INLINE em_sparse_sums em_sparse_all(int32_t value, const int pixels)
{
  em_sparse_sums s;
  EM_SPARSE_EACH(pixels, s.a[i] = value);
  return s;
}

/* Returns sum + weight * x[at]; `at` is a constant where speed counts. Load and product are written
 * as one for Thumb-2, because clang, which orders them itself, runs out of registers.
 */
EM_INLINE int32_t em_sparse_product(int32_t sum, int32_t weight, const int8_t *x, const int at)
{
#if defined(__GNUC__) && defined(__thumb2__) && defined(__OPTIMIZE__) && !EM_SIZE
  if (__builtin_constant_p(at) && at < 4096) {
    int32_t value;
    __asm__("ldrsb %1, [%3, %4]\n\t"
            "mla %0, %1, %2, %0"
            : "+r"(sum), "=&r"(value)
            : "r"(weight), "r"(x), "i"(at)
            : "memory");
    return sum;
  }
#endif
  return sum + weight * x[at];
}

EM_INLINE void em_sparse_add(em_sparse_sums *s, int32_t weight, const int8_t *x, int step,
                             const int pixels)
{
  EM_SPARSE_EACH(pixels, s->a[i] = em_sparse_product(s->a[i], weight, x, i * step));
}

#if defined(EM_TARGET_SPARSE)
#include EM_TARGET_SPARSE
#endif

/* Raises `best` to the sums of a channel's weights, which end at `end`, at `pixels` pixels, a
 * constant. */
EM_PART void em_sparse_dot(const int8_t *stream, const int8_t *end, const int8_t *x, int step,
                           em_sparse_sums *best, const int pixels)
{
  em_sparse_sums s = em_sparse_all(0, pixels);
#if defined(EM_TARGET_SPARSE) && EM_THUMB1
  if (pixels == 4 && stream != end) {
    em_sparse_four(&s, stream, end, x, step);
    stream = end;
  }
#endif
  EM_ROLLED
  while (stream != end) {
    const int distances = (uint8_t)stream[0];
    x += distances >> 4;
    em_sparse_add(&s, stream[1], x, step, pixels);
    x += distances & 15;
    em_sparse_add(&s, stream[2], x, step, pixels);
    stream += 3;
  }
  EM_SPARSE_EACH(pixels, best->a[i] = s.a[i] > best->a[i] ? s.a[i] : best->a[i]);
}

/* All channels of up to `layer->pixels` pixels, which are written `layer->out_channels` bytes
 * apart. */
EM_PART void em_sparse_channels(const em_sparse_layer *layer, const int8_t *stream,
                                const em_channel *channels, const int8_t *shifts,
                                const em_sparse_windows *windows, int8_t *out)
{
  const int computed = EM_SIZE ? (int)EM_SPARSE_SIZE_PIXELS : layer->pixels;
  const int pixels = em_sparse_pixels(layer);
  EM_ROLLED
  for (int c = 0; c < layer->out_channels; ++c) {
    const int32_t bias = channels[c].bias, multiplier = channels[c].multiplier;
    const int shift = shifts[c];
    em_sparse_sums best = em_sparse_all(INT32_MIN, computed);
    int pairs = (uint8_t)*stream++;
    if (layer->long_channels) pairs += 256 * (uint8_t)*stream++;
    EM_ROLLED
    for (int down = 0; down < windows->passes_down; ++down) {
      EM_ROLLED
      for (int across = 0; across < windows->passes_across; ++across) {
        const int8_t *const x = windows->x + down * windows->down + across * windows->across;
        em_sparse_dot(stream, stream + 3 * pairs, x, windows->step, &best, computed);
      }
    }
    EM_UNROLL(8)
    for (int i = 0; i < pixels; ++i) {
      out[i * layer->out_channels + c] =
          em_finish(best.a[i] + bias, multiplier, shift, &layer->output, EM_ROUND_FAST);
    }
    stream += 3 * pairs;
  }
}

#endif
