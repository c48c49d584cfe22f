/* A loop over a tensor's axis, or over several neighbouring ones that are walked evenly. */
#ifndef EM_AXIS_H
#define EM_AXIS_H

#include <stdint.h>

typedef struct {
  int32_t count;
  int32_t stride; /* in elements; may be negative */
} em_axis;

/* The same over two tensors at once. */
typedef struct {
  int32_t count;
  int32_t a; /* step through a, in elements; 0 where it is broadcast */
  int32_t b;
} em_pair_axis;

#endif
