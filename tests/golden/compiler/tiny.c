/* See tiny.h. */
#include "tiny.h"

#if defined(EM_COMMON_H) && !defined(EM_BODIES_PORTABLE)
#error "another core's network is before this one: compile each network's C file by itself"
#endif
#define EM_BODIES_PORTABLE
#include "em_common.h"
#include "em_conv_2d.h"
#include "em_conv_2d_add.h"
#include "em_depthwise_conv_2d.h"
#include "em_fully_connected.h"
#include "em_softmax.h"

/* Step 0: operator 0 CONV_2D+MAX_POOL_2D, max_pool_2d_4 */
static const int8_t tiny_weights_0[27] = {
  -105, -103, 70, 7, 39, 121, -16, 60, -17, 67, 91, 55, -106, 73, 50, 3, -76, -95, 87, -13, 0, -33,
  -81, 109, 72, 37, -25
};
static const em_channel tiny_channels_0[3] = {
  {-6378, 1677759684}, {24427, 2013311620}, {19131, 1426095682}
};
static const int8_t tiny_shifts_0[3] = {
  8, 9, 7
};
static const em_conv_2d_params tiny_params_0 = {
  /* in_height */ 8, /* in_width */ 7, /* in_channels */ 1, /* out_height */ 4, /* out_width */ 3,
  /* out_channels */ 3, /* kernel_height */ 3, /* kernel_width */ 3, /* stride_height */ 1,
  /* stride_width */ 1, /* dilation_height */ 1, /* dilation_width */ 1, /* pad_top */ 1,
  /* pad_left */ 1, /* groups */ 1, /* direct */ 1, /* pool_height */ 2, /* pool_width */ 2,
  /* in_zero_point */ -128, /* part_rows */ 0, /* strip */ 0,
  /* output */ {/* zero_point */ 3, /* minimum */ -128, /* maximum */ 127}
};

/* Step 1: operator 2 DEPTHWISE_CONV_2D, depthwise_conv_2d_7 */
static const int8_t tiny_weights_1[27] = {
  -13, 14, 91, 34, 51, 120, 45, -78, -1, -70, 99, 84, -85, -37, -14, 71, -35, -116, -104, -111, -57,
  66, -110, 100, 66, -8, 12
};
static const em_channel tiny_channels_1[3] = {
  {-3555, 1677759566}, {2256, 2013311479}, {1903, 1426095582}
};
static const em_depthwise_conv_2d_params tiny_params_1 = {
  /* in_height */ 4, /* in_width */ 3, /* in_channels */ 3, /* out_height */ 4, /* out_width */ 3,
  /* multiplier */ 1, /* kernel_height */ 3, /* kernel_width */ 3, /* stride_height */ 1,
  /* stride_width */ 1, /* dilation_height */ 1, /* dilation_width */ 1, /* pad_top */ 1,
  /* pad_left */ 1, /* plane_height */ 6, /* plane_width */ 5, /* rows */ 6, /* in_zero_point */ 3,
  /* output */ {/* zero_point */ 3, /* minimum */ -128, /* maximum */ 127}
};

/* Step 2: operator 3 CONV_2D+ADD, add_11 */
static const int8_t tiny_weights_2[9] = {
  108, 119, 62, -23, -34, -44, 103, -33, -108
};
static const em_channel tiny_channels_2[3] = {
  {-652, 1452982462}, {2210, 1743578954}, {-2371, 1235035050}
};
static const int8_t tiny_shifts_2[3] = {
  7, 8, 6
};
static const em_conv_2d_add_params tiny_params_2 = {
  /* conv */ {/* in_height */ 4, /* in_width */ 3, /* in_channels */ 3, /* out_height */ 4,
      /* out_width */ 3, /* out_channels */ 3, /* kernel_height */ 1, /* kernel_width */ 1,
      /* stride_height */ 1, /* stride_width */ 1, /* dilation_height */ 1, /* dilation_width */ 1,
      /* pad_top */ 0, /* pad_left */ 0, /* groups */ 1, /* direct */ 1, /* pool_height */ 1,
      /* pool_width */ 1, /* in_zero_point */ 3, /* part_rows */ 0, /* strip */ 0,
      /* output */ {/* zero_point */ 3, /* minimum */ 3, /* maximum */ 127}},
  /* add */ {/* axis_0 */ {/* count */ 1, /* a */ 0, /* b */ 0}, /* axis_1 */ {/* count */ 1,
      /* a */ 0, /* b */ 0}, /* axis_2 */ {/* count */ 1, /* a */ 0, /* b */ 0},
      /* axis_3 */ {/* count */ 36, /* a */ 1, /* b */ 1}, /* a_factor */ 524288,
      /* b_factor */ 1048576, /* b_multiplier */ 2129950251, /* multiplier */ 1347678865,
      /* a_zero_point */ 3, /* b_zero_point */ 3, /* b_shift */ 1, /* b_sign */ 1, /* shift */ 19,
      /* output */ {/* zero_point */ 4, /* minimum */ -128, /* maximum */ 127}},
  /* residual_is_a */ 1
};

/* Step 3: operator 6 FULLY_CONNECTED, fully_connected_16 */
static const int8_t tiny_weights_3[144] = {
  -9, -7, 126, 112, -94, 52, 90, -89, 48, -57, -119, -1, -6, 72, -68, 50, -43, 14, 82, -1, -70, -10,
  -113, -14, 16, 1, 91, -85, 43, 18, -56, -30, 112, -118, 107, -67, -16, -92, -53, -51, -87, -65,
  -17, 47, 85, -98, 41, 33, 33, -15, -95, 27, 51, 43, 15, -35, -103, 39, 1, 117, -48, -7, 72, -105,
  68, 91, 127, -40, 85, 17, 42, -97, -17, -107, -23, -41, 78, 68, -24, 118, 87, 19, -21, -34, -29,
  34, 80, 104, 102, 17, -46, -1, -54, 14, -85, 51, -66, -104, -42, -11, 47, 15, -122, -60, 35, 75,
  -100, 67, -92, -50, -105, 120, 85, 26, 69, -60, -77, -120, 57, 71, 78, -39, 50, -61, -126, -16,
  -10, 55, 76, 123, 55, 74, 73, -73, -86, -13, 71, -57, 102, 60, 42, -23, 0, -58
};
static const em_channel tiny_channels_3[4] = {
  {-4878, 1677759570}, {-1949, 2013311484}, {-512, 1426095586}, {2613, 1509983516}
};
static const int8_t tiny_shifts_3[4] = {
  9, 10, 8, 9
};
static const em_fully_connected_params tiny_params_3 = {
  /* rows */ 1, /* in_features */ 36, /* out_features */ 4,
  /* output */ {/* zero_point */ 3, /* minimum */ -128, /* maximum */ 127}
};

/* Step 4: operator 7 SOFTMAX, softmax_17 */
static const em_softmax_params tiny_params_4 = {
  /* multiplier */ 1475412096, /* rows */ 1, /* depth */ 4, /* shift */ 21, /* furthest */ 255
};

EM_STEP void tiny_step_0(int8_t *arena)
{
  em_conv_2d_max_pool(&tiny_params_0, tiny_weights_0, tiny_channels_0, tiny_shifts_0, arena + 92,
      arena + 36, arena + 0);
}

EM_STEP void tiny_step_1(int8_t *arena)
{
  em_depthwise_conv_2d_by_1(&tiny_params_1, tiny_weights_1, tiny_channels_1, tiny_shifts_0,
      arena + 36, arena + 0, arena + 84);
}

EM_STEP void tiny_step_2(int8_t *arena)
{
  em_conv_2d_add(&tiny_params_2, tiny_weights_2, tiny_channels_2, tiny_shifts_2, arena + 72,
      arena + 84, arena + 0, arena + 36);
}

EM_STEP void tiny_step_3(int8_t *arena)
{
  em_fully_connected(&tiny_params_3, tiny_weights_3, tiny_channels_3, tiny_shifts_3, arena,
      arena + 36, arena + 32);
}

EM_STEP void tiny_step_4(int8_t *arena)
{
  em_softmax(&tiny_params_4, arena + 36, arena + 32, arena + 32);
}

void tiny_run_in(int8_t arena[TINY_ARENA_SIZE])
{
  tiny_step_0(arena);
#ifdef TINY_TRACE
  tiny_trace(0, arena + 0, 36);
#endif
  tiny_step_1(arena);
#ifdef TINY_TRACE
  tiny_trace(1, arena + 84, 36);
#endif
  tiny_step_2(arena);
#ifdef TINY_TRACE
  tiny_trace(2, arena + 36, 36);
#endif
  tiny_step_3(arena);
#ifdef TINY_TRACE
  tiny_trace(3, arena + 32, 4);
#endif
  tiny_step_4(arena);
#ifdef TINY_TRACE
  tiny_trace(4, arena + 32, 4);
#endif
}

void tiny_run(const int8_t input[TINY_INPUT_SIZE], int8_t output[TINY_OUTPUT_SIZE])
{
  static union {
    int8_t bytes[TINY_ARENA_SIZE];
    uint32_t alignment;
  } arena;
  memcpy(arena.bytes + TINY_INPUT_OFFSET, input, 56);
  tiny_run_in(arena.bytes);
  memcpy(output, arena.bytes + TINY_OUTPUT_OFFSET, 4);
}

const char *const tiny_labels[4] = {"nought", "a \"quote\"", "na\303\257ve", "\?\?/"};

