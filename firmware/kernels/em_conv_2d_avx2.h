/* em_conv_2d for x86-64: the rows of the input that a row of outputs needs are copied to a strip,
 * borders included, where they stay until no output needs them. Weights as in em_tile.h. For
 * `direct` layers.
 *
 * `scratch` is the strip: em_strip_rows(p) rows of em_strip_pitch(p) bytes, and 4 bytes.
 */
#ifndef EM_CONV_2D_AVX2_H
#define EM_CONV_2D_AVX2_H

#include "em_tile.h"

#define EM_OWN_CONV_2D 1

/* Returns the rows of the input, borders included, that one row of outputs needs. */
EM_INLINE int em_strip_rows(const em_conv_2d_params *p)
{
  return (p->pool_height - 1) * p->stride_height + (p->kernel_height - 1) * p->dilation_height + 1;
}

/* Returns the bytes of a row of the strip: what a row of outputs needs, made up to a multiple of
 * 4. */
EM_INLINE int em_strip_pitch(const em_conv_2d_params *p)
{
  const int columns = (p->out_width * p->pool_width - 1) * p->stride_width + p->kernel_width;
  return (columns * p->in_channels + 3) & ~3;
}

/* Copies row `y` of the input, which may be one of the border's. */
EM_INLINE void em_strip_row(const em_conv_2d_params *p, const int8_t *in, int y, uint8_t *to)
{
  const int zero = p->in_zero_point ^ -128;
  const int width = em_strip_pitch(p);
  const int left = p->pad_left * p->in_channels < width ? p->pad_left * p->in_channels : width;
  const int there = p->in_width * p->in_channels;
  const int inside = there < width - left ? there : width - left;
  if (y < 0 || y >= p->in_height) {
    memset(to, zero, (size_t)width);
    return;
  }
  memset(to, zero, (size_t)left);
  em_flip(to + left, in + y * there, inside);
  memset(to + left + inside, zero, (size_t)(width - left - inside));
}

/* Fills the strip for row `y` of the outputs; what is there already moves up. */
EM_INLINE void em_strip_fill(const em_conv_2d_params *p, const int8_t *in, int y, uint8_t *strip)
{
  const int rows = em_strip_rows(p), pitch = em_strip_pitch(p),
            step = p->pool_height * p->stride_height;
  const int kept = y > 0 && rows > step ? rows - step : 0;
  if (kept > 0) memmove(strip, strip + step * pitch, (size_t)(kept * pitch));
  for (int row = kept; row < rows; ++row)
    em_strip_row(p, in, y * step - p->pad_top + row, strip + row * pitch);
}

EM_INLINE em_view em_strip_view(const em_conv_2d_params *p, const uint8_t *strip)
{
  const int quads = (p->kernel_width * p->in_channels + 3) / 4;
  const em_view view = {strip, p->kernel_height, p->dilation_height * em_strip_pitch(p), quads,
                        p->stride_width * p->in_channels, EM_MOST_PIXELS, 0};
  return view;
}

/* A row of outputs, with the strip filled. */
EM_INLINE void em_strip_outputs(const em_conv_2d_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts,
                                const uint8_t *strip, int8_t *out, const int rounding)
{
  em_line(em_strip_view(p, strip), weights, channels, shifts, p->out_channels, p->out_width, out,
          &p->output, p->out_width, rounding);
}

EM_INLINE void em_own_conv_2d(const em_conv_2d_params *p, const int8_t *weights,
                              const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                              const int8_t *in, int8_t *out, const int rounding)
{
  uint8_t *const strip = (uint8_t *)scratch;
  for (int y = 0; y < p->out_height; ++y) {
    em_strip_fill(p, in, y, strip);
    em_strip_outputs(p, weights, channels, shifts, strip, out + y * p->out_width * p->out_channels,
                     rounding);
  }
}

/* Of `across` pooled outputs the sums' maxima, for one group of channels. */
EM_INLINE void em_strip_pooled(const em_conv_2d_params *p, const em_view *view,
                               const int8_t *weights, const em_group *group, int first, int8_t *out,
                               const int across, const int rounding)
{
  const uint8_t *const x = view->x + first * p->pool_width * view->step;
  em_lanes sums[EM_MOST_PIXELS];
  const em_tile t =
      em_tile_sums(view, x, weights, group, across * p->pool_width * p->pool_height, 1);
  EM_EACH_PIXEL(across * p->pool_width * p->pool_height, {
    sums[pixel] = t.a[pixel];
    (void)second;
  })
  for (int i = 0; i < across; ++i) {
    em_lanes best = sums[i * p->pool_width];
    for (int y = 0; y < p->pool_height; ++y) {
      const em_lanes *const row = sums + y * view->across + i * p->pool_width;
      for (int j = 0; j < p->pool_width; ++j) best = em_lanes_max(best, row[j]);
    }
    em_store_group(best, group, &p->output, out + (first + i) * p->out_channels, rounding);
  }
}

EM_INLINE void em_own_conv_2d_max_pool(const em_conv_2d_params *p, const int8_t *weights,
                                       const em_channel *channels, const int8_t *shifts,
                                       int8_t *scratch, const int8_t *in, int8_t *out,
                                       const int rounding)
{
  uint8_t *const strip = (uint8_t *)scratch;
  const int window = p->pool_height * p->pool_width;
  const int most = EM_PIXELS / window > 1 ? EM_PIXELS / window : 1;
  const int across = em_tile_pixels(p->out_width, most);
  em_view view = em_strip_view(p, strip);
  view.across = across * p->pool_width;
  view.down = p->stride_height * em_strip_pitch(p);
  for (int y = 0; y < p->out_height; ++y, out += p->out_width * p->out_channels) {
    const int8_t *at = weights;
    em_strip_fill(p, in, y, strip);
    for (int c = 0; c < p->out_channels; c += EM_LANE_COUNT, at += em_group_bytes(&view)) {
      const em_group g =
          em_load_group(at, channels + c, shifts + c, p->out_channels - c, &p->output, rounding);
      for (int done = 0; done < p->out_width; done += across) {
        const int first = done + across > p->out_width ? p->out_width - across : done;
        em_strip_pooled(p, &view, at, &g, first, out + c, across, rounding);
      }
    }
  }
}

#endif
