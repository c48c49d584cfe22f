/* The application: takes inputs from the host, runs the network, answers with outputs, ticks and
 * stack use.
 *
 * `net` is the generated network. firmware_config.h, written by the build, has the sizes in bytes,
 * the board's name and the first bytes of the model's SHA-256. With NET_TRACE defined every step's
 * ticks go into the answer too, or, with FIRMWARE_TENSORS as well, every tensor that the network
 * writes.
 */
#include "board.h"
#include "firmware_config.h"
#include "link.h"
#include "net.h"
#include "platform.h"
#include "sources.h"

static union {
  int8_t bytes[NET_ARENA_SIZE];
  uint32_t alignment;
} arena;

#if defined(NET_STATE_SIZE)
static union {
  int8_t bytes[NET_STATE_SIZE];
  uint32_t alignment;
} state;
#define RUN() net_run_in(arena.bytes, state.bytes)
#define RESET() net_reset_in(state.bytes)
#else
#define RUN() net_run_in(arena.bytes)
#define RESET() (void)0
#endif

static const link_piece inputs[] = {FIRMWARE_INPUTS}, outputs[] = {FIRMWARE_OUTPUTS};
enum { INPUTS = sizeof inputs / sizeof inputs[0], OUTPUTS = sizeof outputs / sizeof outputs[0] };

static uint16_t run_sequence;

#if defined(FIRMWARE_TENSORS)
enum { FLAGS = LINK_FLAG_TENSORS, MORE_BYTES = 4 };
static uint32_t sent;

void net_trace(int step, const void *data, unsigned long bytes)
{
  (void)step;
  link_begin(LINK_TENSOR, run_sequence, 4 + (uint32_t)bytes);
  link_put_u32(sent++);
  link_put(data, (uint32_t)bytes);
  link_end();
}

static void put_more(uint32_t start)
{
  (void)start;
  link_put_u32(sent);
  sent = 0;
}
#elif defined(NET_TRACE)
enum { FLAGS = LINK_FLAG_STEP_TICKS, MORE_BYTES = 4 * NET_STEPS };
static uint32_t step_end[NET_STEPS];

void net_trace(int step, const void *data, unsigned long bytes)
{
  (void)data;
  (void)bytes;
  step_end[step] = board_ticks();
}

/* Steps that run by bands have no end of their own: their ticks are those of the step whose output
 * is whole. */
static void put_more(uint32_t start)
{
  for (int step = 0; step < NET_STEPS; ++step) {
    const uint32_t end = step_end[step] != 0 ? step_end[step] : start;
    link_put_u32(end - start);
    start = end;
  }
}
#else
enum { FLAGS = 0, MORE_BYTES = 0 };

static void put_more(uint32_t start)
{
  (void)start;
}
#endif

/* The build reads these two and the arena's size back from the linked image. */
static const uint8_t model_sha256[8] = FIRMWARE_MODEL_SHA256;
static const char board_name[] = FIRMWARE_BOARD;

static void answer_hello(uint16_t sequence)
{
  const uint32_t fields[6] = {FIRMWARE_INPUT_BYTES,     FIRMWARE_OUTPUT_BYTES,
                              NET_ARENA_SIZE,           NET_STEPS,
                              board_ticks_per_second(), FLAGS};
  link_begin(LINK_INFO, sequence, sizeof fields + sizeof model_sha256 + sizeof board_name - 1);
  for (int i = 0; i < 6; ++i) link_put_u32(fields[i]);
  link_put(model_sha256, sizeof model_sha256);
  link_put(board_name, sizeof board_name - 1);
  link_end();
}

static void answer_run(uint16_t sequence)
{
  run_sequence = sequence;
  board_ticks_start();
  const uint32_t start = board_ticks();
  RUN();
  const uint32_t ticks = board_ticks() - start;
  link_begin(LINK_RESULT, run_sequence, 4 + FIRMWARE_OUTPUT_BYTES + MORE_BYTES);
  link_put_u32(ticks);
  for (int i = 0; i < OUTPUTS; ++i) link_put(outputs[i].data, outputs[i].bytes);
  put_more(start);
  link_end();
}

static void answer_state(uint16_t sequence)
{
  link_begin(LINK_STATE_ANSWER, sequence, 8);
  link_put_u32(stack_size());
  link_put_u32(stack_used());
  link_end();
}

static void answer_reset(uint16_t sequence)
{
  RESET();
  link_begin(LINK_RESET_ANSWER, sequence, 0);
  link_end();
}

int main(void);
int main(void)
{
  link_request request;
  FIRMWARE_SETUP;
  RESET();
  answer_hello(0); /* unasked: tells a host in the middle of its work that the board has started
                    * anew */
  while (link_receive(&request, inputs, INPUTS)) {
    switch (request.type) {
      case LINK_HELLO: answer_hello(request.sequence); break;
      case LINK_RUN: answer_run(request.sequence); break;
      case LINK_STATE: answer_state(request.sequence); break;
      case LINK_RESET: answer_reset(request.sequence); break;
      default:
        link_begin(LINK_STOPPED, request.sequence, 0);
        link_end();
        return 0;
    }
  }
  return 0;
}
