/* A loop over a tensor's axis, or over several neighbouring ones that are walked evenly. */
#ifndef EM_AXIS_H
#define EM_AXIS_H

#include <stdint.h>

typedef struct {
  int32_t count;
  int32_t stride; /* in elements; may be negative */
} em_axis;

#endif
