/* GATHER, MIRROR_PAD and TILE: a copy of pieces by their positions along up to four axes.
 *
 * in   bytes           out   bytes [count_0][count_1][count_2][count_3][inner]
 * `offsets` holds for each axis in turn how far along it every step starts, in bytes of `in`.
 * Pieces are copied one by one from the first to the last; the generator computes how `out` may lie
 * over `in`.
 */
#ifndef EM_PICK_H
#define EM_PICK_H

#include "em_common.h"

typedef struct {
  int32_t count_0;
  int32_t count_1;
  int32_t count_2;
  int32_t count_3;
  int32_t inner;
} em_pick_params;

EM_KERNEL void em_pick(const em_pick_params *p, const int32_t *offsets, const int8_t *in,
                       int8_t *out)
{
  const int32_t *second = offsets + p->count_0, *third = second + p->count_1,
                *fourth = third + p->count_2;
  for (int32_t i = 0; i < p->count_0; ++i) {
    for (int32_t j = 0; j < p->count_1; ++j) {
      for (int32_t k = 0; k < p->count_2; ++k) {
        const int8_t *row = in + offsets[i] + second[j] + third[k];
        for (int32_t l = 0; l < p->count_3; ++l, out += p->inner)
          memmove(out, row + fourth[l], (size_t)p->inner);
      }
    }
  }
}

#endif
