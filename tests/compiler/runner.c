/* Runs every generated network of a bench over its images and writes all that it computed to stdout.
 *
 * usage: runner FIRST IMAGES   with the number of the first network to run and the file that holds all images.
 * "models.h" is generated beside the networks. For each image: each step's outputs as they are written, then the output
 * of NAME_run_in, then that of NAME_run. The number of each network goes to stderr before it is run.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif
#ifndef HAVE_ASAN
#define HAVE_ASAN 0
#endif

#if HAVE_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* Bytes of the arena that a step may touch. */
typedef struct {
  int step;
  unsigned long offset;
  unsigned long size;
} region;

/* An input or output in the arena, or an input that is APART from it. */
#define APART (~0ul)
typedef struct {
  unsigned long offset;
  unsigned long size;
} span;

/* `input` and `output` of `run` are all inputs, and outputs, one behind the other. */
typedef struct {
  void (*run)(const int8_t *input, int8_t *output);
  void (*run_in)(int8_t *arena, int8_t *state, const int8_t *input);
  void (*reset_in)(int8_t *state);
  unsigned long state_size; /* 0: the network keeps nothing */
  unsigned long arena_size;
  int inputs;
  const span *input;
  int outputs;
  const span *output;
  int images;
  int region_count; /* 0: the whole arena is open to every step */
  const region *regions;
} model;

static const model *current;
static int8_t *current_arena;
static int silent;

static void open_regions(int step)
{
#if HAVE_ASAN
  if (silent || current->region_count == 0) return;
  __asan_poison_memory_region(current_arena, current->arena_size);
  for (int i = 0; i < current->region_count; ++i) {
    const region *r = &current->regions[i];
    if (r->step == step) __asan_unpoison_memory_region(current_arena + r->offset, r->size);
  }
#else
  (void)step;
#endif
}

static void open_everything(void)
{
#if HAVE_ASAN
  __asan_unpoison_memory_region(current_arena, current->arena_size);
#endif
}

/* Called after each output of a step; `last` tells that it is the step's last one. */
static void traced(int step, const void *data, unsigned long bytes, int last)
{
  if (!silent) fwrite(data, 1, bytes, stdout);
  if (last) open_regions(step + 1);
}

#include "models.h"

static void *checked(void *memory)
{
  if (memory == NULL) abort();
  return memory;
}

static unsigned long bytes_of(const span *spans, int count)
{
  unsigned long bytes = 0;
  for (int i = 0; i < count; ++i) bytes += spans[i].size;
  return bytes;
}

static void run_once(const int8_t *input, int image, int8_t *state)
{
  /* Exactly the arena, so that the sanitizer sees an overrun, at a multiple of 4 that is not one of 8 every other time. */
  const unsigned long shift = image % 2 == 1 && current->region_count == 0 ? 4 : 0;
  int8_t *memory = (int8_t *)checked(malloc(current->arena_size + shift));
  const unsigned long output_size = bytes_of(current->output, current->outputs);
  int8_t *output = (int8_t *)checked(malloc(output_size));
  const int8_t *from = input;
  current_arena = memory + shift;
  memset(memory, 165 + 37 * image, current->arena_size + shift);
  for (int i = 0; i < current->inputs; ++i) {
    if (current->input[i].offset != APART) memcpy(current_arena + current->input[i].offset, from, current->input[i].size);
    from += current->input[i].size;
  }
  open_regions(0);
  current->run_in(current_arena, state, input);
  open_everything();
  for (int i = 0; i < current->outputs; ++i) {
    fwrite(current_arena + current->output[i].offset, 1, current->output[i].size, stdout);
  }
  silent = 1;
  current->run(input, output);
  silent = 0;
  fwrite(output, 1, output_size, stdout);
  free(output);
  free(memory);
}

int main(int count, char **arguments)
{
  const int first = count == 3 ? atoi(arguments[1]) : 0;
  FILE *images = (FILE *)checked(fopen(arguments[count - 1], "rb"));
  for (int number = 0; number < MODEL_COUNT; ++number) {
    const unsigned long input_size = bytes_of(models[number].input, models[number].inputs);
    int8_t *input = (int8_t *)checked(malloc(input_size));
    current = &models[number];
    int8_t *state = (int8_t *)checked(malloc(current->state_size + 1));
    if (current->reset_in) current->reset_in(state);
    if (number >= first) fprintf(stderr, "network %d\n", number);
    for (int image = 0; image < current->images; ++image) {
      if (fread(input, 1, input_size, images) != input_size) abort();
      if (number >= first) run_once(input, image, state);
    }
    fflush(stdout);
    free(state);
    free(input);
  }
  fclose(images);
  return 0;
}
