/* A generated network as a WebAssembly module without imports: what a page, or node, writes, calls
 * and reads.
 *
 * The compiler is told NETWORK_INPUT and NETWORK_OUTPUT, the C types of the two ends, and
 * NETWORK_TRACE_SIZE, how many bytes all steps write together; where the network takes pictures,
 * also NETWORK_PICTURE_SIZE, their bytes, and either NETWORK_PIXEL or NETWORK_IMAGE, the generated
 * function that quantises a pixel or a whole picture.
 */
#include <string.h>

#include "model.h"

#define EXPORT(name) __attribute__((export_name(#name)))

NETWORK_INPUT input[MODEL_INPUT_SIZE];
NETWORK_OUTPUT output[MODEL_OUTPUT_SIZE];

/* What each step wrote, one after the other, as it was when it was written. */
uint8_t trace[NETWORK_TRACE_SIZE];
static uint8_t *next; /* 0: nothing is kept */

void model_trace(int step, const void *data, unsigned long bytes)
{
  (void)step;
  if (next == 0) return;
  memcpy(next, data, bytes);
  next += bytes;
}

/* Runs the network once, from `input` to `output`; with `keep` not 0 every step's output is kept in
 * `trace`. */
EXPORT(invoke) void invoke(int keep)
{
  next = keep ? trace : 0;
  model_run(input, output);
}

#ifdef NETWORK_PICTURE_SIZE
uint8_t picture[NETWORK_PICTURE_SIZE]; /* rows from the top, channels last, red first */

/* Makes `picture` the network's input. */
EXPORT(quantise) void quantise(void)
{
#ifdef NETWORK_IMAGE
  NETWORK_IMAGE(picture, input);
#else
  for (int i = 0; i < NETWORK_PICTURE_SIZE; ++i) input[i] = NETWORK_PIXEL(picture[i]);
#endif
}
#endif
