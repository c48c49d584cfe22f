/* em_conv_2d_add for x86-64: a row of the convolution's outputs is added to the residual's at once.
 *
 * `scratch` is that row and then the strip of em_conv_2d_avx2.h.
 */
#ifndef EM_CONV_2D_ADD_AVX2_H
#define EM_CONV_2D_ADD_AVX2_H

#define EM_OWN_CONV_2D_ADD 1

EM_INLINE void em_own_conv_2d_add(const em_conv_2d_add_params *p, const int8_t *weights,
                                  const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                  const int8_t *in, const int8_t *residual, int8_t *out)
{
  const em_conv_2d_params *c = &p->conv;
  const int row = c->out_width * c->out_channels;
  uint8_t *const strip = (uint8_t *)scratch + row;
  for (int y = 0; y < c->out_height; ++y, residual += row, out += row) {
    em_strip_fill(c, in, y, strip);
    em_strip_outputs(c, weights, channels, shifts, strip, scratch, EM_ROUND_FAST);
    if (p->residual_is_a) {
      em_own_add(&p->add, residual, scratch, out, row);
    } else {
      em_own_add(&p->add, scratch, residual, out, row);
    }
  }
}

#endif
