/* CONV_2D and the ADD of a residual behind it.
 *
 * in        int8 [in_height][in_width][in_channels]
 * residual  int8 [out_height][out_width][out_channels]     out  the same shape
 * Each pair of pixels is requantised to the convolution's own output first and then added, so the
 * bytes are those of the two operators one after the other. A residual element is read just before
 * its sum is written: `out` may be `residual` itself, and may lie over `in` as for em_conv_2d.
 * `scratch` is 2 * out_channels bytes larger than there (4 * out_channels with two pairs at a
 * time), which lie behind the strip.
 */
#ifndef EM_CONV_2D_ADD_H
#define EM_CONV_2D_ADD_H

#include "em_arithmetic.h"
#include "em_conv_2d.h"

typedef struct {
  em_conv_2d_params conv; /* groups 1 */
  em_arithmetic_params add;
  int16_t residual_is_a; /* which operand of the addition the residual is */
} em_conv_2d_add_params;

EM_INLINE void em_add_residual(const em_conv_2d_add_params *p, const int8_t *conv,
                               const int8_t *residual, int8_t *out, int count)
{
  const em_arithmetic_params *add = &p->add;
#if EM_OWN_ADD
  em_own_add(add, p->residual_is_a ? residual : conv, p->residual_is_a ? conv : residual, out,
             count);
#else
  for (int i = 0; i < count; ++i) {
    const int32_t a = (p->residual_is_a ? residual[i] : conv[i]) - add->a_zero_point;
    const int32_t b = (p->residual_is_a ? conv[i] : residual[i]) - add->b_zero_point;
    out[i] = em_finish(em_combine(add, a, b, EM_ADD), add->multiplier, add->shift, &add->output,
                       EM_ROUND_FAST);
  }
#endif
}

#if EM_PIXEL_WORDS
/* Two pairs at a time; what is done already is not added to once more. */
EM_INLINE void em_conv_2d_add_quads(const em_conv_2d_add_params *p, const int8_t *weights,
                                    const em_channel *channels, const int8_t *shifts,
                                    int8_t *scratch, const int8_t *in, const int8_t *residual,
                                    int8_t *out)
{
  const em_conv_2d_params *c = &p->conv;
  em_words layer = em_conv_2d_layer(c, scratch, EM_ROUND_FAST, 0);
  const int pixel = c->out_channels;
  int8_t *const outputs = scratch + c->strip;
  em_pixel_pair next = em_first_pair(c);
  while (next.y < c->out_height) {
    const em_quad_block block = {
        weights,
        channels,
        shifts,
        {outputs, outputs + pixel, outputs + 2 * pixel, outputs + 3 * pixel}};
    em_pixel_pair pairs[2] = {next, next};
    int count = 1;
    next = em_next_pair(c, next);
    if (next.y < c->out_height) pairs[count++] = next;
    next = em_next_pair(c, next);
    em_pack_pairs(c, &layer, in, pairs, 0, outputs + 4 * pixel);
    em_quad_channels(&layer, &block, &c->output, EM_ROUND_FAST);
    for (int slot = 0; slot < count; ++slot) {
      const int skipped = pairs[slot].skipped * pixel;
      const int at = (pairs[slot].y * c->out_width + pairs[slot].x) * pixel + skipped;
      em_add_residual(p, outputs + 2 * slot * pixel + skipped, residual + at, out + at,
                      (1 + pairs[slot].second) * pixel - skipped);
    }
  }
}
#endif

/* A target's own body: EM_TARGET_CONV_2D_ADD names a header that defines EM_OWN_CONV_2D_ADD as 1
 * and, with the arguments of em_conv_2d_add, em_own_conv_2d_add for `direct` layers, from the
 * bodies for the two operators.
 */
#if defined(EM_TARGET_CONV_2D_ADD) && EM_OWN_CONV_2D && EM_OWN_ADD
#include EM_TARGET_CONV_2D_ADD
#endif
#ifndef EM_OWN_CONV_2D_ADD
#define EM_OWN_CONV_2D_ADD 0
#endif

EM_KERNEL void em_conv_2d_add(const em_conv_2d_add_params *p, const int8_t *weights,
                              const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                              const int8_t *in, const int8_t *residual, int8_t *out)
{
  const em_conv_2d_params *c = &p->conv;
#if EM_OWN_CONV_2D_ADD
  if (c->direct) {
    em_own_conv_2d_add(p, weights, channels, shifts, scratch, in, residual, out);
    return;
  }
#endif
  int8_t *const outputs = scratch + c->strip;
  int8_t *const gathered = outputs + 2 * c->out_channels;
  const em_block block = {weights, channels, shifts, outputs, outputs + c->out_channels};
#if EM_PIXEL_WORDS
  if (c->out_width * c->out_height > 1) {
    em_conv_2d_add_quads(p, weights, channels, shifts, scratch, in, residual, out);
  } else {
    const em_window window = em_find_window(c, in, 0, 0, 0, gathered, 1);
    em_dot_channels(&window, block, c->out_channels, &c->output, scratch, 1, EM_ROUND_FAST);
    em_add_residual(p, outputs, residual, out, c->out_channels);
  }
#else
  for (int y = 0; y < c->out_height; ++y) {
    for (int done = 0; done < c->out_width; done += 2) {
      /* An odd row's last pixel is made up to a pair with its neighbour, whose sum is there
       * already. */
      const int x = done > 0 && done + 2 > c->out_width ? c->out_width - 2 : done;
      const int at = (y * c->out_width + done) * c->out_channels;
      if (c->out_width < 2) {
        const em_window window = em_find_window(c, in, y, x, 0, gathered, 1);
        em_dot_channels(&window, block, c->out_channels, &c->output, scratch, 1, EM_ROUND_FAST);
        em_add_residual(p, outputs, residual + at, out + at, c->out_channels);
      } else {
        const em_window window = em_find_window(c, in, y, x, 0, gathered, 2);
        const int skipped = (done - x) * c->out_channels;
        em_dot_channels(&window, block, c->out_channels, &c->output, scratch, 2, EM_ROUND_FAST);
        em_add_residual(p, outputs + skipped, residual + at, out + at,
                        2 * c->out_channels - skipped);
      }
    }
  }
#endif
}

#endif
