/* Depthwise convolution on Cortex-M4, M7, M33 and M55: 3 x 3 kernels as em_three_rows_dsp.h does
 * them, others as em_depthwise_wide.h does; elements in 16 bits, two of which are multiplied at
 * once.
 */
#ifndef EM_DEPTHWISE_DSP_H
#define EM_DEPTHWISE_DSP_H

#include "em_depthwise_wide.h"
#include "em_three_rows_dsp.h"

#define EM_THREE_ROWS em_three_rows_layer
#define EM_OWN_DEPTHWISE 1

EM_INLINE int em_own_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  return em_wide_has_pairs(p);
}

EM_INLINE void em_own_depthwise(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *held,
                                const int8_t *in, int8_t *out, const int rounding)
{
  em_wide_layer(p, weights, channels, shifts, held, in, out, rounding);
}

#endif
