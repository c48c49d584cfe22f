/* SELECT and SELECT_V2: where a condition holds an element of one tensor, else of another; all
 * three may be broadcast.
 *
 * operands   bytes, walked with the given strides; `condition`, `first` and `second` say which is
 *            which
 * out        bytes [axis_0][axis_1][axis_2][axis_3] elements of `element` bytes
 */
#ifndef EM_SELECT_H
#define EM_SELECT_H

#include "em_common.h"

typedef struct {
  int32_t count;
  int32_t condition; /* steps, in bytes; 0 where a tensor is broadcast */
  int32_t first;
  int32_t second;
} em_triple_axis;

typedef struct {
  em_triple_axis axis_0;
  em_triple_axis axis_1;
  em_triple_axis axis_2;
  em_triple_axis axis_3;
  int32_t condition;
  int32_t first;
  int32_t second;
  int32_t element;
} em_select_params;

EM_INLINE int8_t *em_select_row(const em_select_params *p, const int8_t *condition,
                                const int8_t *first, const int8_t *second, int8_t *out)
{
  const em_triple_axis *axis = &p->axis_3;
  for (int32_t l = 0; l < axis->count; ++l, out += p->element) {
    memcpy(out, *condition ? first : second, (size_t)p->element);
    condition += axis->condition;
    first += axis->first;
    second += axis->second;
  }
  return out;
}

EM_KERNEL void em_select(const em_select_params *p, const int8_t *operand_0,
                         const int8_t *operand_1, const int8_t *operand_2, int8_t *out)
{
  const int8_t *const operands[3] = {operand_0, operand_1, operand_2};
  for (int32_t i = 0; i < p->axis_0.count; ++i) {
    for (int32_t j = 0; j < p->axis_1.count; ++j) {
      for (int32_t k = 0; k < p->axis_2.count; ++k) {
        out = em_select_row(p,
                            operands[p->condition] + i * p->axis_0.condition +
                                j * p->axis_1.condition + k * p->axis_2.condition,
                            operands[p->first] + i * p->axis_0.first + j * p->axis_1.first +
                                k * p->axis_2.first,
                            operands[p->second] + i * p->axis_0.second + j * p->axis_1.second +
                                k * p->axis_2.second,
                            out);
      }
    }
  }
}

#endif
