/* The inner product of Cortex-M0, M0+ and M23: pixels as em_words.h packs them, a single one as
 * em_single_words.h does. */
#ifndef EM_DOT_THUMB1_H
#define EM_DOT_THUMB1_H

#define EM_OWN_CHANNELS 1
#define EM_PIXEL_WORDS 1

#if defined(__GNUC__) && defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define EM_QUAD_ASM 1
#include "em_quad_thumb1.h"
#include "em_single_thumb1.h"
#else
#define EM_QUAD_ASM 0
#endif

#include "em_words.h"

#include "em_single_words.h"

#endif
