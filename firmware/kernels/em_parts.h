/* CONCATENATION, PACK, SPLIT, SPLIT_V and UNPACK: rows of a whole tensor, each made of one piece of
 * every part, end to end.
 *
 * whole   bytes [rows][row]       part i   bytes [rows][length]
 * `parts` holds for each part its pieces' offset in a row and their length. Pieces are moved one by
 * one: joined from the last row to the first and from the last part to the first, cut from the
 * first to the last; the generator computes how parts and whole may overlap.
 * The functions for more parts than there are get a part twice, the second time with length 0.
 */
#ifndef EM_PARTS_H
#define EM_PARTS_H

#include "em_common.h"

typedef struct {
  int32_t rows;
  int32_t row;
} em_parts_params;

EM_INLINE void em_concatenate(const em_parts_params *p, const int32_t *parts,
                              const int8_t *const *in, int count, int8_t *out)
{
  for (int32_t row = p->rows - 1; row >= 0; --row) {
    for (int i = count - 1; i >= 0; --i) {
      const int32_t length = parts[2 * i + 1];
      memmove(out + row * p->row + parts[2 * i], in[i] + row * length, (size_t)length);
    }
  }
}

EM_INLINE void em_split(const em_parts_params *p, const int32_t *parts, const int8_t *in,
                        int8_t *const *out, int count)
{
  for (int32_t row = 0; row < p->rows; ++row) {
    for (int i = 0; i < count; ++i) {
      const int32_t length = parts[2 * i + 1];
      memmove(out[i] + row * length, in + row * p->row + parts[2 * i], (size_t)length);
    }
  }
}

EM_KERNEL void em_concatenate_2(const em_parts_params *p, const int32_t *parts, const int8_t *in_0,
                                const int8_t *in_1, int8_t *out)
{
  const int8_t *const in[2] = {in_0, in_1};
  em_concatenate(p, parts, in, 2, out);
}

EM_KERNEL void em_concatenate_4(const em_parts_params *p, const int32_t *parts, const int8_t *in_0,
                                const int8_t *in_1, const int8_t *in_2, const int8_t *in_3,
                                int8_t *out)
{
  const int8_t *const in[4] = {in_0, in_1, in_2, in_3};
  em_concatenate(p, parts, in, 4, out);
}

EM_KERNEL void em_concatenate_10(const em_parts_params *p, const int32_t *parts, const int8_t *in_0,
                                 const int8_t *in_1, const int8_t *in_2, const int8_t *in_3,
                                 const int8_t *in_4, const int8_t *in_5, const int8_t *in_6,
                                 const int8_t *in_7, const int8_t *in_8, const int8_t *in_9,
                                 int8_t *out)
{
  const int8_t *const in[10] = {in_0, in_1, in_2, in_3, in_4, in_5, in_6, in_7, in_8, in_9};
  em_concatenate(p, parts, in, 10, out);
}

EM_KERNEL void em_split_2(const em_parts_params *p, const int32_t *parts, const int8_t *in,
                          int8_t *out_0, int8_t *out_1)
{
  int8_t *const out[2] = {out_0, out_1};
  em_split(p, parts, in, out, 2);
}

EM_KERNEL void em_split_4(const em_parts_params *p, const int32_t *parts, const int8_t *in,
                          int8_t *out_0, int8_t *out_1, int8_t *out_2, int8_t *out_3)
{
  int8_t *const out[4] = {out_0, out_1, out_2, out_3};
  em_split(p, parts, in, out, 4);
}

EM_KERNEL void em_split_10(const em_parts_params *p, const int32_t *parts, const int8_t *in,
                           int8_t *out_0, int8_t *out_1, int8_t *out_2, int8_t *out_3,
                           int8_t *out_4, int8_t *out_5, int8_t *out_6, int8_t *out_7,
                           int8_t *out_8, int8_t *out_9)
{
  int8_t *const out[10] = {out_0, out_1, out_2, out_3, out_4, out_5, out_6, out_7, out_8, out_9};
  em_split(p, parts, in, out, 10);
}

#endif
