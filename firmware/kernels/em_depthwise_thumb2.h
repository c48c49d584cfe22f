/* Depthwise convolution on Cortex-M3: 3 x 3 kernels with strides of 1 or 2 (rows == 0). Other kernels are the portable ones. */
#ifndef EM_DEPTHWISE_THUMB2_H
#define EM_DEPTHWISE_THUMB2_H

#include "em_three_rows_thumb2.h"

#define EM_OWN_DEPTHWISE 1

EM_INLINE int em_own_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  return p->rows == 0;
}

EM_INLINE void em_own_depthwise(const em_depthwise_conv_2d_params *p, const int8_t *weights, const em_channel *channels,
                                const int8_t *shifts, int8_t *held, const int8_t *in, int8_t *out, const int rounding)
{
  em_three_rows_layer(p, weights, channels, shifts, held, in, out, rounding);
}

#endif
