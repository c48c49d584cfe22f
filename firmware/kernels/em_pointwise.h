/* CONV_2D with a 1 x 1 kernel and stride 1: every pixel by itself.
 *
 * in   int8 [pixels][in_channels], pixels >= 2       out  int8 [pixels][out_channels]
 * Pixels are done two at a time, from the first to the last or, with `backward`, from the last to the first; an odd one
 * is made up to a pair with its neighbour, which is then done twice over. `out` may lie over `in` as the generator
 * computed it from these pairs. `scratch` is the strip of the target's body.
 */
#ifndef EM_POINTWISE_H
#define EM_POINTWISE_H

#include "em_dot.h"

typedef struct {
  int32_t pixels;
  int16_t in_channels;
  int16_t out_channels;
  int16_t backward;
  em_output output;
} em_pointwise_params;

/* A target's own body for the whole layer. EM_TARGET_POINTWISE names a header that defines EM_OWN_POINTWISE as 1 and, with
 * the arguments of em_pointwise_body, em_own_pointwise. The generator has to know of it (DenseBody).
 */
#if defined(EM_TARGET_POINTWISE)
#include EM_TARGET_POINTWISE
#endif
#ifndef EM_OWN_POINTWISE
#define EM_OWN_POINTWISE 0
#endif

EM_INLINE void em_pointwise_body(const em_pointwise_params *p, const int8_t *weights, const em_channel *channels,
                                 const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out, const int rounding)
{
#if EM_OWN_POINTWISE
  em_own_pointwise(p, weights, channels, shifts, scratch, in, out, rounding);
#else
  em_window window = {in, p->in_channels, 0, 1, p->in_channels};
  for (int done = 0; done < p->pixels; done += 2) {
    const int ahead = done + 2 > p->pixels ? p->pixels - 2 : done;
    const int pixel = p->backward ? p->pixels - 2 - ahead : ahead;
    const em_block block = {weights, channels, shifts, out + pixel * p->out_channels,
                            out + (pixel + 1) * p->out_channels};
    window.x = in + pixel * p->in_channels;
    em_dot_channels(&window, block, p->out_channels, &p->output, scratch, 2, rounding);
  }
#endif
}

EM_KERNEL void em_pointwise(const em_pointwise_params *p, const int8_t *weights, const em_channel *channels,
                            const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_pointwise_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_FAST);
}

EM_KERNEL void em_pointwise_any(const em_pointwise_params *p, const int8_t *weights, const em_channel *channels,
                                const int8_t *shifts, int8_t *scratch, const int8_t *in, int8_t *out)
{
  em_pointwise_body(p, weights, channels, shifts, scratch, in, out, EM_ROUND_ANY);
}

#endif
