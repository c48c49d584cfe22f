/* Runs @{name} for a program on the other end of the serial port, which sends inputs and gets
 * outputs and times: `edgemnist firmware run --port`. The protocol is described in em_link.h.
 */
#include <@{name}.h>

extern "C" {
#include "em_board.h"
#include "em_link.h"
}

#if defined(ARDUINO_BOARD)
static const char board_name[] = ARDUINO_BOARD;
#elif defined(BOARD_NAME)
static const char board_name[] = BOARD_NAME;
#else
static const char board_name[] = "arduino";
#endif

static const uint8_t model_start[8] = {@{model_start}};
static const uint32_t input_bytes = @{input_bytes};
static const uint32_t output_bytes = @{output_bytes};

static union {
  int8_t bytes[@{NAME}_ARENA_SIZE];
  uint32_t alignment;
} arena;

#if defined(@{NAME}_STATE_SIZE)
static union {
  int8_t bytes[@{NAME}_STATE_SIZE];
  uint32_t alignment;
} state;
#define RUN() @{name}_run_in(arena.bytes, state.bytes)
#define RESET() @{name}_reset_in(state.bytes)
#else
#define RUN() @{name}_run_in(arena.bytes)
#define RESET() (void)0
#endif
@{if several}

static const link_piece inputs[] = {
@{input_pieces}
};
static const link_piece outputs[] = {
@{output_pieces}
};
@{end}

extern "C" int board_read(void)
{
  while (Serial.available() <= 0) {
    yield();
  }
  return Serial.read();
}

extern "C" void board_write(uint8_t byte)
{
  Serial.write(byte);
}

extern "C" void board_flush(void)
{
  Serial.flush();
}

static void answer_hello(uint16_t sequence)
{
  const uint32_t name_bytes = sizeof board_name - 1;
  link_begin(LINK_INFO, sequence, 6 * 4 + sizeof model_start + name_bytes);
  link_put_u32(input_bytes);
  link_put_u32(output_bytes);
  link_put_u32(@{NAME}_ARENA_SIZE);
  link_put_u32(@{NAME}_STEPS);
  link_put_u32(1000000); /* the ticks are microseconds */
  link_put_u32(0);       /* no ticks of single steps */
  link_put(model_start, sizeof model_start);
  link_put(board_name, name_bytes);
  link_end();
}

static void answer_run(uint16_t sequence)
{
  const uint32_t start = static_cast<uint32_t>(micros());
  RUN();
  const uint32_t ticks = static_cast<uint32_t>(micros()) - start;
  link_begin(LINK_RESULT, sequence, 4 + output_bytes);
  link_put_u32(ticks);
@{if several}
  for (const link_piece &piece : outputs) {
    link_put(piece.data, piece.bytes);
  }
@{else}
  link_put(arena.bytes + @{NAME}_OUTPUT_OFFSET, output_bytes);
@{end}
  link_end();
}

static void answer_state(uint16_t sequence)
{
  link_begin(LINK_STATE_ANSWER, sequence, 8);
  link_put_u32(0); /* where the stack is only the board's core knows */
  link_put_u32(0);
  link_end();
}

void setup()
{
  Serial.begin(115200);
  RESET();
}

void loop()
{
  link_request request;
@{if several}
  if (!link_receive(&request, inputs, sizeof inputs / sizeof inputs[0])) {
@{else}
  const link_piece input = {arena.bytes + @{NAME}_INPUT_OFFSET, input_bytes};
  if (!link_receive(&request, &input, 1)) {
@{end}
    return;
  }
  if (request.type == LINK_HELLO) {
    answer_hello(request.sequence);
  } else if (request.type == LINK_RUN) {
    answer_run(request.sequence);
  } else if (request.type == LINK_STATE) {
    answer_state(request.sequence);
  } else if (request.type == LINK_RESET) {
    RESET();
    link_begin(LINK_RESET_ANSWER, request.sequence, 0);
    link_end();
  } else {
    link_begin(LINK_STOPPED, request.sequence, 0);
    link_end();
  }
}
