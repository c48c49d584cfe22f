/* Depthwise convolution for Cortex-M55 and M85, with the vector instructions of Armv8.1-M.
 *
 * Sixteen channels at a time, one or two rows of outputs at a time. The rows of the input that
 * these need are taken apart into `words`, uint32 [columns][16]: the four bytes of a word are a
 * channel's neighbours in a column, so that a vector of four columns' words holds a whole window of
 * 3 x 3, and up to 4 x 4. VST4 makes sixteen such words of four vectors. With stride 1 a vector
 * gives 2 x 2 outputs, by four products with the weights at four places in it. Weights are in the
 * file's order, int8 [kernel_height][kernel_width][channels], and are taken apart in the same way.
 *
 * `scratch` is the weights' words, [5][16], then `words`, 16 bytes of the zero point, 16 that
 * nobody reads and, with stride 1 and a border above, the last row that will be overwritten but is
 * needed once more, [in_width][16]. `out` may be `in`: other rows are read before they are written.
 */
#ifndef EM_DEPTHWISE_MVE_H
#define EM_DEPTHWISE_MVE_H

#include "em_copy_mve.h"
#include "em_strip_mve.h" /* what other layers get */

#define EM_OWN_DEPTHWISE 1

enum { EM_WORDS = 64, EM_WORDS_CHANNELS = 16 }; /* bytes of a column, and what it has */

/* Rows of up to 16 channels to be taken apart: column by column `step` further on. Offsets are
 * known to the loop. */
typedef struct {
  const int8_t *from[4]; /*  0 */
  int8_t *keep;          /* 16: where the third row's columns go as well */
  int32_t step[4];       /* 20 */
  int32_t keep_step;     /* 36 */
  int8_t *words;         /* 40 */
  int32_t columns;       /* 44: at least 1 */
  int32_t channels;      /* 48 */
} em_row_bytes;

/* Up to 16 channels' outputs in one row or two. Offsets are known to the loops, and where the
 * weights are: before the words.
 */
typedef struct {
  const int8_t *words;               /*  0: the first channel's in the first column */
  int8_t *out;                       /*  4 */
  const em_lane_channel *channel;    /*  8 */
  const em_lane_channel *end;        /* 12: behind the last channel */
  int32_t second_row;                /* 16: 256, or 1 where there is no second row: then the first
                                      * one is done twice */
  int32_t second_column;             /* 20: 0, or EM_WORDS where there is no second column */
  int32_t blocks;                    /* 24: of two columns or, with stride 2, four; at least 1 */
  int32_t to_next;                   /* 28: from behind a channel's last output to the next
                                      * channel's first */
  int32_t back;                      /* 32: columns that one more block at the end goes back, or 0:
                                      * no such block */
  int32_t out_back;                  /* 36 */
  int32_t out_step;                  /* 40: from block to block */
  int32_t zero_point;                /* 44 */
  int32_t last;                      /* 48: lanes that are stored, with stride 2 */
  uint32_t columns[4];               /* 52: four columns' words */
  uint32_t places[4];                /* 68: where the outputs of a block go */
} em_row_outputs;

#if defined(__ARM_FEATURE_MVE)
EM_NAKED void em_take_rows_apart(const em_row_bytes *rows __attribute__((unused)))
{
  __asm__("push {r4-r11, lr}\n\t"
          "ldr r1, [r0, #48]\n\t"
          "vctp.8 r1\n\t"
          "add r11, r0, #20\n\t"
          "ldm r11, {r5, r6, r7, r8, r9, r10, r11}\n\t"
          "dls lr, r11\n\t"
          "ldm r0, {r0, r1, r2, r3, r4}\n"
          "1:\n\t"
          "vpstttt\n\t"
          "vldrbt.8 q0, [r0]\n\t"
          "vldrbt.8 q1, [r1]\n\t"
          "vldrbt.8 q2, [r2]\n\t"
          "vldrbt.8 q3, [r3]\n\t"
          "vstrb.8 q2, [r4]\n\t"
          "vst40.8 {q0, q1, q2, q3}, [r10]\n\t"
          "vst41.8 {q0, q1, q2, q3}, [r10]\n\t"
          "vst42.8 {q0, q1, q2, q3}, [r10]\n\t"
          "vst43.8 {q0, q1, q2, q3}, [r10]!\n\t"
          "add r0, r0, r5\n\t"
          "add r1, r1, r6\n\t"
          "add r2, r2, r7\n\t"
          "add r3, r3, r8\n\t"
          "add r4, r4, r9\n\t"
          "le lr, 1b\n\t"
          "pop {r4-r11, pc}\n\t");
}

/* A channel's registers: r1 outputs, r3 bias, r5 multiplier, r7 shift to the left, q7 four columns'
 * addresses before the first block's, lr blocks. r8 is the zero point, r9 the step between blocks,
 * r10 em_row_outputs, r11 the channel's words, r12 the next channel. The weights' own vectors are
 * loaded with the columns' offsets in q7.
 */
#define EM_CHANNEL_START                \
  "ldm r12!, {r3, r5, r7}\n\t"          \
  "sub r4, r11, #128\n\t"              \
  "vadd.i32 q7, q7, r4\n\t"            \
  "add r11, r11, #4\n\t"               \
  "ldr r2, [r10, #24]\n\t"             \
  "dls lr, r2\n"

/* On to the next channel, if there is one. */
#define EM_CHANNEL_NEXT                 \
  "2:\n\t"                              \
  "ldr r2, [r10, #12]\n\t"             \
  "ldr r4, [r10, #28]\n\t"             \
  "add r1, r1, r4\n\t"                 \
  "cmp r12, r2\n\t"                    \
  "bne 3b\n\t"

/* Two rows' outputs in two columns. */
#define EM_ROWS_BLOCK                   \
  "vldrw.u32 q4, [q7, #128]!\n\t"       \
  "vmladav.s8 r0, q4, q0\n\t"           \
  "vmladav.s8 r2, q4, q1\n\t"           \
  "vmladav.s8 r4, q4, q2\n\t"           \
  "vmladav.s8 r6, q4, q3\n\t"           \
  EM_REQUANTISE_LANES                   \
  "vldrw.u32 q4, [r10, #68]\n\t"        \
  "vstrb.32 q6, [r1, q4]\n\t"           \
  "add r1, r1, r9\n\t"

/* One row's outputs in four columns, of stride 2. */
#define EM_ROW_BLOCK                    \
  "vldrw.u32 q4, [q7, #128]!\n\t"       \
  "vmladav.s8 r0, q4, q0\n\t"           \
  "vldrw.u32 q4, [q7, #128]!\n\t"       \
  "vmladav.s8 r2, q4, q0\n\t"           \
  "vldrw.u32 q4, [q7, #128]!\n\t"       \
  "vmladav.s8 r4, q4, q0\n\t"           \
  "vldrw.u32 q4, [q7, #128]!\n\t"       \
  "vmladav.s8 r6, q4, q0\n\t"           \
  EM_REQUANTISE_LANES                   \
  "vpst\n\t"                            \
  "vstrbt.32 q6, [r1, q3]\n\t"          \
  "add r1, r1, r9\n\t"

#define EM_ROWS_START                   \
  "push {r4-r11, lr}\n\t"              \
  "vpush {d8-d15}\n\t"                 \
  "mov r10, r0\n\t"                    \
  "ldrd r8, r12, [r10, #44]\n\t"       \
  "vctp.32 r12\n\t"                    \
  "ldr r9, [r10, #40]\n\t"             \
  "ldr r12, [r10, #8]\n\t"             \
  "ldrd r11, r1, [r10]\n"              \
  "3:\n\t"                             \
  "vldrw.u32 q7, [r10, #52]\n\t"       \
  "sub r4, r11, #256\n\t"              \
  "vldrw.u32 q0, [r4, q7]\n\t"
/* One more block that goes back, if there is one to be done. */
#define EM_ROWS_BACK(columns_bytes)     \
  "ldrd r4, r2, [r10, #32]\n\t"        \
  "cbz r4, 2f\n\t"                     \
  "sub r1, r1, r2\n\t"                 \
  "lsls r4, r4, #" columns_bytes "\n\t" \
  "vsub.i32 q7, q7, r4\n\t"
#define EM_ROWS_END         \
  "vpop {d8-d15}\n\t"      \
  "pop {r4-r11, pc}\n\t"

EM_NAKED void em_two_rows(const em_row_outputs *outputs __attribute__((unused)))
{
  __asm__(EM_ROWS_START
          "ldrd r6, r2, [r10, #16]\n\t"
          "add r2, r2, r11\n\t"
          "sub r2, r2, #320\n\t"
          "vldrw.u32 q2, [r2, q7]\n\t"
          "vmul.i32 q1, q0, r6\n\t"
          "vmul.i32 q3, q2, r6\n\t"
          EM_CHANNEL_START
          "1:\n\t"
          EM_ROWS_BLOCK
          "le lr, 1b\n\t"
          EM_ROWS_BACK("6")
          EM_ROWS_BLOCK
          EM_CHANNEL_NEXT
          EM_ROWS_END);
}

EM_NAKED void em_four_outputs_row(const em_row_outputs *outputs __attribute__((unused)))
{
  __asm__(EM_ROWS_START
          "vldrw.u32 q3, [r10, #68]\n\t"
          EM_CHANNEL_START
          "1:\n\t"
          EM_ROW_BLOCK
          "le lr, 1b\n\t"
          EM_ROWS_BACK("7")
          EM_ROW_BLOCK
          EM_CHANNEL_NEXT
          EM_ROWS_END);
}

/* Limits sixteen or fewer channels of `count` pixels `pitch` apart. */
EM_INLINE void em_limit_pixels(int8_t *out, int count, int pitch, int channels,
                               const em_output *output)
{
  __asm__ volatile("vctp.8 %[channels]\n\t"
                   "vdup.8 q1, %[low]\n\t"
                   "vdup.8 q2, %[high]\n\t"
                   "dls lr, %[count]\n"
                   "1:\n\t"
                   "vpst\n\t"
                   "vldrbt.8 q0, [%[out]]\n\t"
                   "vmax.s8 q0, q0, q1\n\t"
                   "vmin.s8 q0, q0, q2\n\t"
                   "vpst\n\t"
                   "vstrbt.8 q0, [%[out]]\n\t"
                   "add %[out], %[out], %[pitch]\n\t"
                   "le lr, 1b"
                   : [out] "+r"(out)
                   : [count] "r"(count), [pitch] "r"(pitch), [channels] "r"(channels),
                     [low] "r"(output->minimum), [high] "r"(output->maximum)
                   : "q0", "q1", "q2", "lr", "memory");
}
#else
EM_PART void em_take_rows_apart(const em_row_bytes *rows)
{
  for (int x = 0; x < rows->columns; ++x) {
    for (int row = 0; row < 4; ++row) {
      for (int c = 0; c < rows->channels; ++c) {
        const int8_t byte = rows->from[row][x * rows->step[row] + c];
        rows->words[x * EM_WORDS + 4 * c + row] = byte;
        if (row == 2) rows->keep[x * rows->keep_step + c] = byte;
      }
    }
  }
}
#endif

/* The sum of a window's products, its words at `words`, from their row `top` on, and those of the
 * weights at `weights`, of `width` columns.
 */
EM_INLINE int32_t em_sum_words(const int8_t *words, const int8_t *weights, int top, int width)
{
  int32_t sum = 0;
  for (int column = 0; column < width * EM_WORDS; column += EM_WORDS) {
    for (int row = top; row < 4; ++row) sum += words[column + row] * weights[column + row - top];
  }
  return sum;
}

/* Whether a layer is two rows at a time, four columns' words each giving 2 x 2 outputs. */
EM_INLINE int em_in_two_rows(const em_depthwise_conv_2d_params *p)
{
  return p->stride_width == 1;
}

EM_INLINE int em_words_suit(const em_depthwise_conv_2d_params *p)
{
  const int most = em_in_two_rows(p) ? 3 : 4;
  const int plain = p->multiplier == 1 && p->kernel_height <= most && p->kernel_width <= most &&
                    (p->dilation_height == 1 || p->kernel_height == 1) &&
                    (p->dilation_width == 1 || p->kernel_width == 1);
  /* of one row */
  if (em_in_two_rows(p) && p->out_height == 1 && p->kernel_height == 1 && p->out_width >= 3)
    return 0;
  const int strides = em_in_two_rows(p)
      ? p->stride_height == 1
      : p->stride_width == 2 && (p->stride_height >= 2 || p->pad_top == 0);
  return plain && strides && p->pad_top <= 1 && p->pad_top < p->kernel_height &&
      p->pad_left < p->kernel_width && p->out_width <= p->in_width;
}

/* Columns of words that are read. */
EM_INLINE int em_words_columns(const em_depthwise_conv_2d_params *p)
{
  if (em_in_two_rows(p)) return (p->out_width + 1) / 2 * 2 + 2;
  return 2 * (p->out_width > 4 ? p->out_width : 4) + 2;
}

/* Where the parts of the scratch are; `line` is 0 where no row has to be kept. */
typedef struct {
  int8_t *weights, *words, *border, *nowhere, *line;
} em_words;

EM_INLINE em_words em_words_at(const em_depthwise_conv_2d_params *p, int8_t *scratch)
{
  em_words w;
  w.weights = scratch;
  w.words = scratch + 5 * EM_WORDS;
  w.border = w.words + em_words_columns(p) * EM_WORDS;
  w.nowhere = w.border + EM_WORDS_CHANNELS;
  w.line = em_in_two_rows(p) && p->pad_top > 0 ? w.nowhere + EM_WORDS_CHANNELS : 0;
  return w;
}

/* Takes up to 16 channels' weights apart; what there are fewer than 4 rows of is zero. */
EM_INLINE void em_take_weights(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                               const em_words *w, int channels)
{
  em_row_bytes rows;
  em_fill_bytes(w->weights, 0, 5 * EM_WORDS);
  for (int ky = 0; ky < 4; ++ky) {
    rows.from[ky] =
        ky < p->kernel_height ? weights + ky * p->kernel_width * p->in_channels : w->nowhere;
    rows.step[ky] = ky < p->kernel_height ? p->in_channels : 0;
  }
  em_fill_bytes(w->nowhere, 0, EM_WORDS_CHANNELS);
  rows.keep = p->kernel_height > 2 ? w->border : w->nowhere; /* zeros stay zeros */
  rows.keep_step = 0;
  rows.words = w->weights + EM_WORDS;
  rows.columns = p->kernel_width;
  rows.channels = channels;
  em_take_rows_apart(&rows);
  em_fill_bytes(w->border, p->in_zero_point, EM_WORDS_CHANNELS);
}

/* Takes the rows apart that the outputs at row y (and y + 1) need; `in` is the group's first
 * channel. */
EM_INLINE void em_take_rows(const em_depthwise_conv_2d_params *p, const int8_t *in,
                            const em_words *w, int y, int channels)
{
  const int beside = p->plane_width - p->pad_left;
  em_row_bytes rows;
  for (int row = 0; row < 4; ++row) {
    const int iy = y * p->stride_height - p->pad_top + row;
    const int inside = iy >= 0 && iy < p->in_height;
    rows.from[row] = inside ? in + iy * p->in_width * p->in_channels : w->border;
    rows.step[row] = inside ? p->in_channels : 0;
  }
  if (w->line != 0) {
    rows.from[0] = w->line;
    rows.step[0] = EM_WORDS_CHANNELS;
  }
  rows.keep = w->line != 0 ? w->line : w->nowhere;
  rows.keep_step = w->line != 0 ? EM_WORDS_CHANNELS : 0;
  rows.words = w->words + p->pad_left * EM_WORDS;
  rows.columns = beside < p->in_width ? beside : p->in_width;
  rows.channels = channels;
  em_take_rows_apart(&rows);
}

/* A group of up to 16 channels. */
typedef struct {
  const em_channel *channels;
  const int8_t *shifts;
  int count;
  int8_t *out;
} em_channel_group;

/* Outputs of `rows` rows from y on one by one, with any rounding. */
EM_PART void em_depthwise_each(const em_depthwise_conv_2d_params *p, const em_words *w,
                               const em_channel_group *g, int y, int rows, const int rounding)
{
  for (int c = 0; c < g->count; ++c) {
    for (int x = 0; x < p->out_width; ++x) {
      for (int row = 0; row < rows; ++row) {
        const int8_t *const words = w->words + x * p->stride_width * EM_WORDS + 4 * c;
        const int32_t sum =
            em_sum_words(words, w->weights + EM_WORDS + 4 * c, row, p->kernel_width) +
            g->channels[c].bias;
        g->out[((y + row) * p->out_width + x) * p->in_channels + c] =
            em_finish(sum, g->channels[c].multiplier, g->shifts[c], &p->output, rounding);
      }
    }
  }
}

#if defined(__ARM_FEATURE_MVE)
/* Where the outputs of `rows` rows go. */
EM_INLINE void em_set_rows(const em_depthwise_conv_2d_params *p, em_row_outputs *o, int rows)
{
  o->second_row = rows > 1 ? 256 : 1;
  for (int i = 0; i < 4; ++i) {
    const int x = em_in_two_rows(p) ? i >> 1 : i;
    const int y = em_in_two_rows(p) && rows > 1 ? i & 1 : 0;
    o->places[i] = (uint32_t)((y * p->out_width + (p->out_width > 1 ? x : 0)) * p->in_channels);
  }
}

/* What is the same for all rows. */
EM_INLINE void em_set_columns(const em_depthwise_conv_2d_params *p, em_row_outputs *o)
{
  const int pitch = p->in_channels, width = p->out_width;
  const int across = em_in_two_rows(p) ? 2 : 4;
  o->second_column = width > 1 ? 0 : EM_WORDS;
  o->blocks = width < across ? 1 : width / across;
  o->back = width < across || width % across == 0 ? 0 : across - width % across;
  o->out_back = o->back * pitch;
  o->out_step = across * pitch;
  o->to_next = 1 - (width < across ? across : width) * pitch;
  o->zero_point = p->output.zero_point;
  o->last = width < 4 ? width : 4;
  for (int i = 0; i < 4; ++i) o->columns[i] = (uint32_t)(i * EM_WORDS);
}

EM_INLINE void em_depthwise_group(const em_depthwise_conv_2d_params *p, const em_words *w,
                                  const em_channel_group *g, const int8_t *in)
{
  const int at_once = em_in_two_rows(p) ? 2 : 1;
  em_lane_channel lanes[EM_WORDS_CHANNELS];
  em_row_outputs o;
  for (int c = 0; c < g->count; ++c) lanes[c] = em_lane_channel_of(&g->channels[c], g->shifts[c]);
  o.words = w->words;
  o.channel = lanes;
  o.end = lanes + g->count;
  em_set_columns(p, &o);
  em_set_rows(p, &o, at_once);
  for (int y = 0; y < p->out_height; y += at_once) {
    const int rows = p->out_height - y < at_once ? p->out_height - y : at_once;
    o.out = g->out + y * p->out_width * p->in_channels;
    if (rows < at_once) em_set_rows(p, &o, rows);
    em_take_rows(p, in, w, y, g->count);
    if (at_once == 1) {
      em_four_outputs_row(&o);
    } else {
      em_two_rows(&o);
    }
    if (p->output.minimum != -128 || p->output.maximum != 127) {
      em_limit_pixels(o.out, rows * p->out_width, p->in_channels, g->count, &p->output);
    }
  }
}
#endif

EM_INLINE int em_own_depthwise_suits(const em_depthwise_conv_2d_params *p)
{
  return em_words_suit(p) || em_strip_suits(p) || em_wide_has_pairs(p);
}

EM_INLINE void em_own_depthwise(const em_depthwise_conv_2d_params *p, const int8_t *weights,
                                const em_channel *channels, const int8_t *shifts, int8_t *scratch,
                                const int8_t *in, int8_t *out, const int rounding)
{
  if (!em_words_suit(p)) {
    if (em_strip_suits(p)) {
      em_strip_layer(p, weights, channels, shifts, scratch, in, out, rounding);
      return;
    }
    em_wide_layer(p, weights, channels, shifts, scratch, in, out, rounding);
    return;
  }
  const em_words w = em_words_at(p, scratch);
  const int at_once = em_in_two_rows(p) ? 2 : 1;
  em_fill_bytes(w.words, p->in_zero_point, em_words_columns(p) * EM_WORDS);
  for (int first = 0; first < p->in_channels; first += EM_WORDS_CHANNELS) {
    const int left = p->in_channels - first;
    const em_channel_group group = {channels + first, shifts + first,
                                    left < EM_WORDS_CHANNELS ? left : EM_WORDS_CHANNELS,
                                    out + first};
    em_take_weights(p, weights + first, &w, group.count);
    if (w.line != 0) em_fill_bytes(w.line, p->in_zero_point, p->in_width * EM_WORDS_CHANNELS);
#if defined(__ARM_FEATURE_MVE)
    if (rounding == EM_ROUND_FAST) {
      em_depthwise_group(p, &w, &group, in + first);
      continue;
    }
#endif
    for (int y = 0; y < p->out_height; y += at_once) {
      em_take_rows(p, in + first, &w, y, group.count);
      em_depthwise_each(p, &w, &group, y, at_once == 2 && y + 1 < p->out_height ? 2 : 1, rounding);
    }
  }
}

#endif
