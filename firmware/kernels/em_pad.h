/* PAD and PADV2: a tensor surrounded by one value, along up to four axes.
 *
  * in   bytes [axis_0.size]...[axis_3.size]
 * out  bytes [before + size + after] along each axis
 * `value` holds the bytes of one element, a power of two, so that the last axis is whole elements
 * on every side. Rows along axis_3 are done from the last to the first, each copied as a whole
 * before its borders are written; the generator computes how `out` may lie over `in`.
 */
#ifndef EM_PAD_H
#define EM_PAD_H

#include "em_common.h"

typedef struct {
  int32_t before;
  int32_t size;
  int32_t after;
} em_pad_axis;

typedef struct {
  em_pad_axis axis_0;
  em_pad_axis axis_1;
  em_pad_axis axis_2;
  em_pad_axis axis_3;
  int32_t last; /* of the value's bytes; 0 too where all of them are the same */
} em_pad_params;

EM_INLINE int32_t em_pad_end(const em_pad_axis *axis)
{
  return axis->before + axis->size + axis->after;
}

EM_INLINE int em_pad_inside(const em_pad_axis *axis, int32_t index)
{
  return index >= axis->before && index < axis->before + axis->size;
}

EM_INLINE void em_fill(const em_pad_params *p, const int8_t *value, int8_t *out, int32_t count)
{
  if (p->last == 0) {
    memset(out, value[0], (size_t)count);
  } else {
    for (int32_t i = 0; i < count; ++i) out[i] = value[i & p->last];
  }
}

EM_KERNEL void em_pad(const em_pad_params *p, const int8_t *value, const int8_t *in, int8_t *out)
{
  const int32_t width = em_pad_end(&p->axis_3);
  in += p->axis_0.size * p->axis_1.size * p->axis_2.size * p->axis_3.size;
  out += em_pad_end(&p->axis_0) * em_pad_end(&p->axis_1) * em_pad_end(&p->axis_2) * width;
  for (int32_t i = em_pad_end(&p->axis_0) - 1; i >= 0; --i) {
    for (int32_t j = em_pad_end(&p->axis_1) - 1; j >= 0; --j) {
      for (int32_t k = em_pad_end(&p->axis_2) - 1; k >= 0; --k) {
        out -= width;
        if (em_pad_inside(&p->axis_0, i) && em_pad_inside(&p->axis_1, j) &&
            em_pad_inside(&p->axis_2, k)) {
          in -= p->axis_3.size;
          memmove(out + p->axis_3.before, in, (size_t)p->axis_3.size);
          em_fill(p, value, out, p->axis_3.before);
          em_fill(p, value, out + p->axis_3.before + p->axis_3.size, p->axis_3.after);
        } else {
          em_fill(p, value, out, width);
        }
      }
    }
  }
}

#endif
