/* Depthwise convolution on Cortex-M3: 3 x 3 kernels with strides of 1 or 2. Other kernels are the
 * portable ones. */
#ifndef EM_DEPTHWISE_THUMB2_H
#define EM_DEPTHWISE_THUMB2_H

#include "em_three_rows_thumb2.h"

#define EM_THREE_ROWS em_three_rows_layer

#endif
