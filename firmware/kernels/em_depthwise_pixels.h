/* DEPTHWISE_CONV_2D window by window, all channels of an output one after the other: for windows
 * that have nothing in common, such as one that is the whole image. Nothing would be loaded twice
 * there, so that nothing need be copied first.
 *
 * in, out: as in em_depthwise_conv_2d.h, with multiplier 1. Every window lies inside the image.
 * weights  int8 [kernel_height][kernel_width][in_channels]
 * A channel of a pixel is written when the channel's window is read, and no later window begins
 * before that pixel: `out` may be `in` itself.
 */
#ifndef EM_DEPTHWISE_PIXELS_H
#define EM_DEPTHWISE_PIXELS_H

#include "em_depthwise_rows.h"

/* The first elements and weights of neighbouring channels of a window. */
typedef struct {
  const int8_t *x;
  const int8_t *weights;
} em_depthwise_window;

/* A target's own body: EM_TARGET_DEPTHWISE_WINDOW names a header that defines EM_WINDOW_CHANNELS, 1
 * or 4, and void em_own_window_sums(p, window, sums), which adds the products of so many
 * neighbouring channels to `sums`.
 */
#if defined(EM_TARGET_DEPTHWISE_WINDOW)
#include EM_TARGET_DEPTHWISE_WINDOW
#define EM_OWN_WINDOW !EM_SIZE
#else
#define EM_WINDOW_CHANNELS 4
#define EM_OWN_WINDOW 0
#endif

/* The same for `count` channels. */
EM_INLINE void em_window_sums(const em_depthwise_conv_2d_params *p, em_depthwise_window window,
                              int32_t *sums, const int count)
{
  const int step = p->dilation_width * p->in_channels,
            row = p->dilation_height * p->in_width * p->in_channels;
#if EM_OWN_WINDOW
  if (count == EM_WINDOW_CHANNELS) {
    em_own_window_sums(p, window, sums);
    return;
  }
#endif
  for (int ky = 0; ky < p->kernel_height; ++ky) {
    const int8_t *x = window.x;
    EM_UNROLL(8)
    for (int kx = 0; kx < p->kernel_width; ++kx) {
      EM_UNROLL(4)
      for (int i = 0; i < count; ++i) sums[i] += x[i] * window.weights[i];
      x += step;
      window.weights += p->in_channels;
      EM_LOADS_END_HERE;
    }
    window.x += row;
  }
}

/* `count` channels of an output. */
EM_INLINE void em_window_outputs(const em_depthwise_conv_2d_params *p, em_depthwise_window window,
                                 const em_channel *channels, const int8_t *shifts, int8_t *out,
                                 const int count)
{
  int32_t sums[4];
  EM_UNROLL(4)
  for (int i = 0; i < count; ++i) sums[i] = channels[i].bias;
  em_window_sums(p, window, sums, count);
  EM_UNROLL(4)
  for (int i = 0; i < count; ++i) {
    out[i] = em_finish(sums[i], channels[i].multiplier, shifts[i], &p->output, EM_ROUND_FAST);
  }
}

EM_KERNEL void em_depthwise_conv_2d_pixels(const em_depthwise_conv_2d_params *p,
                                           const int8_t *weights, const em_channel *channels,
                                           const int8_t *shifts, const int8_t *in, int8_t *out)
{
  const int block = EM_SIZE ? 1 : EM_WINDOW_CHANNELS;
  for (int y = 0; y < p->out_height; ++y) {
    const int8_t *pixel = in + y * p->stride_height * p->in_width * p->in_channels;
    for (int x = 0; x < p->out_width; ++x) {
      int c = 0;
      for (; c + block <= p->in_channels; c += block) {
        const em_depthwise_window window = {pixel + c, weights + c};
        em_window_outputs(p, window, channels + c, shifts + c, out + c, block);
      }
      for (; block > 1 && c < p->in_channels; ++c) {
        const em_depthwise_window window = {pixel + c, weights + c};
        em_window_outputs(p, window, channels + c, shifts + c, out + c, 1);
      }
      pixel += p->stride_width * p->in_channels;
      out += p->in_channels;
    }
  }
}

#endif
