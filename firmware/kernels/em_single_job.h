/* What the assembly that adds up blocks of four channels is called with: em_single_thumb1.h and
 * em_single_thumb2.h, for em_single_words.h. */
#ifndef EM_SINGLE_JOB_H
#define EM_SINGLE_JOB_H

#include "em_common.h"

typedef struct {
  uint32_t *words;           /* of the taps' groups */
  const uint32_t *words_end; /* at least one of them */
  const int8_t *weights;
  uint32_t *sums; /* of the first block's channels; becomes sums_end */
  uint32_t *sums_end;
} em_single_job;

#endif
