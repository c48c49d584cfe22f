/* The inner product of Cortex-M3 and RV32IM: pixels as em_words.h packs them, a single one as
 * em_single_words.h does. */
#ifndef EM_DOT_WORDS_H
#define EM_DOT_WORDS_H

#define EM_OWN_CHANNELS 1
#define EM_PIXEL_WORDS 1

#if defined(__GNUC__) && defined(__thumb2__)
#define EM_QUAD_ASM 1
#include "em_quad_thumb2.h"
#include "em_single_thumb2.h"
#else
#define EM_QUAD_ASM 0
#endif

#include "em_words.h"

#include "em_single_words.h"

#endif
