/* TRANSPOSE, SLICE, STRIDED_SLICE, SPACE_TO_DEPTH and DEPTH_TO_SPACE: a copy that walks its input
 * with any strides.
 *
  * in   bytes, walked from `offset` on
 * out  [axis_0][axis_1][axis_2][axis_3][axis_4] elements, in order
 * Offset and strides are in bytes, an element is `element` of them. An element is written when it
 * is read; the generator computes how `out` may lie over `in`.
 */
#ifndef EM_STRIDED_COPY_H
#define EM_STRIDED_COPY_H

#include "em_axis.h"
#include "em_common.h"

typedef struct {
  int32_t offset;
  int32_t element;
  em_axis axis_0;
  em_axis axis_1;
  em_axis axis_2;
  em_axis axis_3;
  em_axis axis_4;
} em_strided_copy_params;

EM_KERNEL void em_strided_copy(const em_strided_copy_params *p, const int8_t *in, int8_t *out)
{
  for (int32_t i = 0; i < p->axis_0.count; ++i) {
    for (int32_t j = 0; j < p->axis_1.count; ++j) {
      for (int32_t k = 0; k < p->axis_2.count; ++k) {
        const int32_t plane =
            p->offset + i * p->axis_0.stride + j * p->axis_1.stride + k * p->axis_2.stride;
        for (int32_t l = 0; l < p->axis_3.count; ++l) {
          const int32_t row = plane + l * p->axis_3.stride;
          for (int32_t m = 0; m < p->axis_4.count; ++m, out += p->element) {
            const int8_t *from = in + row + m * p->axis_4.stride;
            if (p->element == 1) {
              *out = *from;
            } else {
              memmove(out, from, (size_t)p->element);
            }
          }
        }
      }
    }
  }
}

#endif
