/* A single pixel in bodies of em_words.h, around em_single_channels of the including header: one copy for all layers. */
#ifndef EM_SINGLE_H
#define EM_SINGLE_H

EM_SHARED void em_single_fast(const em_window *window, em_block block, int count, const em_output *output)
{
  em_single_channels(window, block, count, output, EM_ROUND_FAST);
}

EM_SHARED void em_single_any(const em_window *window, em_block block, int count, const em_output *output)
{
  em_single_channels(window, block, count, output, EM_ROUND_ANY);
}

EM_SHARED void em_single_once(const em_window *window, em_block block, int count, const em_output *output)
{
  em_single_channels(window, block, count, output, EM_ROUND_ONCE);
}

/* All channels of a single pixel. */
EM_INLINE void em_own_channels(const em_window *window, em_block block, int count, const em_output *output,
                               int8_t *strip, const int pixels, const int rounding)
{
  (void)strip;
  (void)pixels;
  if (rounding == EM_ROUND_FAST) {
    em_single_fast(window, block, count, output);
  } else if (rounding == EM_ROUND_ANY) {
    em_single_any(window, block, count, output);
  } else {
    em_single_once(window, block, count, output);
  }
}

#endif
