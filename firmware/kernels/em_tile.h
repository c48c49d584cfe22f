/* Sums of up to 16 pixels at once, for one group of 16 output channels or two.
 *
 * weights   for each group: 16 int32 (see em_load_group), then for each row of the window and each
 *           four elements of a row 16 channels' four weights; a row is filled up to a multiple of 4
 *           elements with zeros
 * Activations lie in a strip of scratch as unsigned bytes, 128 above their values. Up to 3 bytes
 * behind a window's row are read too; what they are does not matter.
 */
#ifndef EM_TILE_H
#define EM_TILE_H

#include "em_lanes.h"

/* What a tile reads: windows of `rows` runs of 4 * `quads` bytes, `row_stride` bytes apart. Pixels
 * come in lines of `across`: neighbours are `step` bytes apart, lines `down` bytes.
 */
typedef struct {
  const uint8_t *x;
  int rows;
  int row_stride;
  int quads;
  int step;
  int across;
  int down;
} em_view;

enum { EM_MOST_PIXELS = 16, EM_GROUP_HEAD = EM_LANE_COUNT * 4, EM_TAP_BYTES = EM_LANE_COUNT * 4 };

/* Sums of each pixel's first group of channels, and of up to 8 pixels' second one. Indices are
 * constants, so that the sums stay in registers.
 */
typedef struct {
  em_lanes a[EM_MOST_PIXELS], b[EM_MOST_PIXELS / 2];
} em_tile;

#define EM_EACH_PIXEL(pixels, statement)                                                           \
  EM_PIXEL(pixels, statement, 0) EM_PIXEL(pixels, statement, 1) EM_PIXEL(pixels, statement, 2)     \
  EM_PIXEL(pixels, statement, 3) EM_PIXEL(pixels, statement, 4) EM_PIXEL(pixels, statement, 5)     \
  EM_PIXEL(pixels, statement, 6) EM_PIXEL(pixels, statement, 7) EM_PIXEL(pixels, statement, 8)     \
  EM_PIXEL(pixels, statement, 9) EM_PIXEL(pixels, statement, 10) EM_PIXEL(pixels, statement, 11)   \
  EM_PIXEL(pixels, statement, 12) EM_PIXEL(pixels, statement, 13) EM_PIXEL(pixels, statement, 14)  \
  EM_PIXEL(pixels, statement, 15)
#define EM_PIXEL(pixels, statement, number)                                                        \
  if ((pixels) > (number)) {                                                                       \
    enum { pixel = (number), second = (number) % (EM_MOST_PIXELS / 2) };                           \
    statement;                                                                                     \
  }

/* Returns the bytes of a group's weights. */
EM_INLINE int em_group_bytes(const em_view *view)
{
  return EM_GROUP_HEAD + view->rows * view->quads * EM_TAP_BYTES;
}

/* Adds the products of four elements of each pixel's window. */
EM_INLINE em_tile em_tile_quad(em_tile t, const em_view *view, const uint8_t *x,
                               const int8_t *weights, int next, const int pixels, const int groups)
{
  const em_taps w = em_lanes_taps(weights);
  const em_taps v = groups > 1 ? em_lanes_taps(weights + next) : w;
  EM_EACH_PIXEL(pixels, {
    const em_lanes quad =
        em_lanes_quad(x + pixel / view->across * view->down + pixel % view->across * view->step);
    t.a[pixel] = em_lanes_dot(t.a[pixel], quad, w);
    if (groups > 1) t.b[second] = em_lanes_dot(t.b[second], quad, v);
  })
  return t;
}

/* Returns the sums of `pixels` pixels for `groups` groups, the second of which starts `next` bytes
 * behind the first. */
EM_INLINE em_tile em_tile_sums(const em_view *view, const uint8_t *x, const int8_t *weights,
                               const em_group *group, const int pixels, const int groups)
{
  const int next = em_group_bytes(view);
  em_tile t;
  EM_EACH_PIXEL(pixels, {
    t.a[pixel] = group[0].start;
    if (groups > 1) t.b[second] = group[1].start;
  })
  weights += EM_GROUP_HEAD;
  for (int row = 0; row < view->rows; ++row) {
    const uint8_t *at = x + row * view->row_stride;
    for (int quad = 0; quad < view->quads; ++quad, at += 4, weights += EM_TAP_BYTES) {
      t = em_tile_quad(t, view, at, weights, next, pixels, groups);
    }
  }
  return t;
}

/* How many of `count` pixels to do at once, so that the last ones fill a tile too. */
EM_INLINE int em_tile_pixels(int count, int most)
{
  const int tiles = (count + most - 1) / most;
  return (count + tiles - 1) / tiles;
}

/* A line of `count` pixels, `pixels` at once, for `groups` groups; the last tile moves back to end
 * with the line. */
EM_INLINE void em_tile_line(const em_view *view, const int8_t *weights, const em_group *group,
                            int count, int8_t *out, int pitch, const em_output *output,
                            const int pixels, const int groups, const int rounding)
{
  for (int done = 0; done < count; done += pixels) {
    const int first = done + pixels > count ? count - pixels : done;
    const em_tile t =
        em_tile_sums(view, view->x + first * view->step, weights, group, pixels, groups);
    int8_t *const to = out + first * pitch;
    EM_EACH_PIXEL(pixels, {
      em_store_group(t.a[pixel], &group[0], output, to + pixel * pitch, rounding);
      if (groups > 1)
        em_store_group(t.b[second], &group[1], output, to + pixel * pitch + EM_LANE_COUNT,
                       rounding);
    })
  }
}

/* All output channels of a line of `count` pixels whose windows start at view->x. `least` is what
 * the count is never less than: where it is a constant, so is the size of the tiles.
 */
EM_INLINE void em_line(em_view view, const int8_t *weights, const em_channel *channels,
                       const int8_t *shifts, int out_channels, int count, int8_t *out,
                       const em_output *output, const int least, const int rounding)
{
  const int bytes = em_group_bytes(&view);
  em_group group[2];
  int channel = 0;
  view.across = EM_MOST_PIXELS;
  view.down = 0;
  for (; EM_BLOCKS > 1 && channel + EM_LANE_COUNT < out_channels; channel += 2 * EM_LANE_COUNT) {
    const int8_t *const at = weights + channel / EM_LANE_COUNT * bytes;
    for (int i = 0; i < 2; ++i) {
      const int first = channel + i * EM_LANE_COUNT;
      group[i] = em_load_group(at + i * bytes, channels + first, shifts + first,
                               out_channels - first, output, rounding);
    }
    em_tile_line(&view, at, group, count, out + channel, out_channels, output,
                 em_tile_pixels(least, EM_MOST_PIXELS / 2), 2, rounding);
  }
  for (; channel < out_channels; channel += EM_LANE_COUNT) {
    const int8_t *const at = weights + channel / EM_LANE_COUNT * bytes;
    group[0] = em_load_group(at, channels + channel, shifts + channel, out_channels - channel,
                             output, rounding);
    em_tile_line(&view, at, group, count, out + channel, out_channels, output,
                 em_tile_pixels(least, EM_PIXELS), 1, rounding);
  }
}

#endif
