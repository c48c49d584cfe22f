/* CONV_2D with a 1 x 1 kernel and stride 1: every pixel by itself.
 *
 * in   int8 [pixels][in_channels], pixels >= 2       out  int8 [pixels][out_channels]
 * Pixels are done two at a time, from the first to the last or, with `backward`, from the last to
 * the first; an odd one is made up to a pair with its neighbour, which is then done twice over.
 * `out` may lie over `in` as the generator computed it from these pairs. `scratch` is the strip of
 * the target's body.
 */
#ifndef EM_POINTWISE_H
#define EM_POINTWISE_H

#include "em_dot.h"

typedef struct {
  int32_t pixels;
  em_size in_channels;
  em_size out_channels;
  int16_t backward;
  em_output output;
} em_pointwise_params;

/* A target's own body for the whole layer. EM_TARGET_POINTWISE names a header that defines
 * EM_OWN_POINTWISE as 1 and, with the arguments of em_pointwise_body, em_own_pointwise. The
 * generator has to know of it (DenseBody).
 */
#if defined(EM_TARGET_POINTWISE)
#include EM_TARGET_POINTWISE
#endif
#ifndef EM_OWN_POINTWISE
#define EM_OWN_POINTWISE 0
#endif

/* The first pixel of the pair that is done after `done` pixels. */
EM_INLINE int32_t em_pair_at(const em_pointwise_params *p, int32_t done)
{
  const int32_t ahead = done + 2 > p->pixels ? p->pixels - 2 : done;
  return p->backward ? p->pixels - 2 - ahead : ahead;
}

#if EM_PIXEL_WORDS
/* Two pairs at a time, of which both are read before either is written; a last single one is done
 * twice over. */
EM_INLINE void em_pointwise_body(const em_pointwise_params *p, const int8_t *weights,
                                 const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                 const int8_t *in, int8_t *out, const int rounding)
{
  em_words layer = em_words_of(scratch, p->in_channels, p->out_channels, rounding, 0);
  em_window window = {in, p->in_channels, 0, 1, p->in_channels};
  em_quad_block block = {weights, channels, shifts, {out, out, out, out}};
  for (int32_t done = 0; done < p->pixels; done += 4) {
    for (int slot = 0; slot < 2; ++slot) {
      const int32_t pixel = em_pair_at(p, done + 2 * slot < p->pixels ? done + 2 * slot : done);
      window.x = in + pixel * p->in_channels;
      em_pack_pair(layer.words + slot, &window);
      block.out[2 * slot] = out + pixel * p->out_channels;
      block.out[2 * slot + 1] = out + (pixel + 1) * p->out_channels;
    }
    em_quad_channels(&layer, &block, &p->output, rounding);
  }
}
#else
EM_INLINE void em_pointwise_body(const em_pointwise_params *p, const int8_t *weights,
                                 const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                 const int8_t *in, int8_t *out, const int rounding)
{
#if EM_OWN_POINTWISE
  em_own_pointwise(p, weights, channels, shifts, scratch, in, out, rounding);
#else
  em_window window = {in, p->in_channels, 0, 1, p->in_channels};
#if EM_OWN_PAIRS
  const int evenly = p->out_channels % 4 == 0;
  const int32_t first = evenly ? p->pixels / 2 * 2 : 0;
  if (evenly) {
    const int pixel = p->backward ? p->pixels - 2 : 0, step = p->backward ? -2 : 2;
    const em_block block = {weights, channels, shifts, out + pixel * p->out_channels,
                            out + (pixel + 1) * p->out_channels};
    window.x = in + pixel * p->in_channels;
    em_own_pairs(&window, block, p->out_channels, &p->output, scratch, p->pixels / 2,
                 step * p->in_channels, step * p->out_channels, rounding);
  }
#else
  const int32_t first = 0;
#endif
  for (int32_t done = first; done < p->pixels; done += 2) {
    const int32_t pixel = em_pair_at(p, done);
    const em_block block = {weights, channels, shifts, out + pixel * p->out_channels,
                            out + (pixel + 1) * p->out_channels};
    window.x = in + pixel * p->in_channels;
    em_dot_channels(&window, block, p->out_channels, &p->output, scratch, 2, rounding);
  }
#endif
}
#endif

EM_KERNEL void em_pointwise(const em_pointwise_params *p, const int8_t *weights,
                            const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                            const int8_t *in, int8_t *out)
{
  em_pointwise_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_pointwise_any(const em_pointwise_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                const int8_t *in, int8_t *out)
{
  em_pointwise_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_ANY);
}

#if EM_PIXEL_WORDS
/* Requantised by step functions: `channels` is as em_quad_channels_step reads it. */
EM_KERNEL void em_pointwise_step(const em_pointwise_params *p, const int8_t *weights,
                                 const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                 const int8_t *in, int8_t *out)
{
  em_pointwise_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_STEP);
}
#endif

#endif
