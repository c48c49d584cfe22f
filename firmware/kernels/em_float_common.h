/* What the kernels on float32 share. They follow the order of summation of TFLite's reference
 * kernels, and every product and every sum is rounded, so that the results are theirs to the last
 * bit wherever floats are IEEE 754's; the functions of the C library are its own.
 */
#ifndef EM_FLOAT_COMMON_H
#define EM_FLOAT_COMMON_H

#include <math.h>

#include "em_common.h"
#include "em_uncontracted.h"

#define EM_FLOAT_LARGEST 3.402823466e+38f

/* What is no number stays so. */
EM_INLINE float em_float_limited(float x, float minimum, float maximum)
{
  x = x < minimum ? minimum : x;
  return maximum < x ? maximum : x;
}

/* The logistic function: limited where it is 1 to the last bit, and where it is the exponential to
 * the last bit. */
EM_INLINE float em_float_sigmoid(float x)
{
  if (x > 16.619047164916992188f) return 1.0f;
  return x < -9.0f ? expf(x) : 1.0f / (1.0f + expf(-x));
}

#endif
