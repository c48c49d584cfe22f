/* A device for this machine: the real link.c between standard input and output. Its network inverts every byte.
 *
 *   link_device INPUT_BYTES [steps|tensors]      with "steps", results have the ticks of three steps; with "tensors" three
 *                                                tensors come before a result: the input, each byte less the number
 *
 * An image that starts with "\xC0\xDB do " and a letter makes it misbehave; see `misbehave`.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "board.h"
#include "link.h"

enum { STEPS = 3, ARENA_BYTES = 1234, TICKS_PER_SECOND = 1000000, STACK_BYTES = 4096, MODEL_START_BYTES = 8 };

static uint8_t out[61];
static size_t out_bytes;

void board_flush(void)
{
  size_t done = 0;
  while (done < out_bytes) {
    const ssize_t count = write(1, out + done, out_bytes - done);
    if (count <= 0) _exit(3);
    done += (size_t)count;
  }
  out_bytes = 0;
}

void board_write(uint8_t byte)
{
  if (out_bytes == sizeof out) board_flush();
  out[out_bytes++] = byte;
}

int board_read(void)
{
  static uint8_t in[4096];
  static ssize_t have, at;
  if (at == have) {
    at = 0;
    have = read(0, in, sizeof in);
    if (have <= 0) {
      have = 0;
      return -1;
    }
  }
  return in[at++];
}

static uint8_t *input;
static uint32_t input_bytes;
static uint32_t runs;
static int with_steps, with_tensors, lost, lose_tensor;
static const char *board_name = "test bench \xc2\xb5";

static void print(const char *text)
{
  while (*text) board_write((uint8_t)*text++);
  board_flush();
}

static void send_info(uint16_t sequence)
{
  static const uint8_t model_start[MODEL_START_BYTES] = {0xC0, 0xDB, 0xDC, 0xDD, 0, 1, 2, 3};
  const uint32_t name_bytes = (uint32_t)strlen(board_name);
  link_begin(LINK_INFO, sequence, 24u + MODEL_START_BYTES + name_bytes);
  link_put_u32(input_bytes);
  link_put_u32(input_bytes);
  link_put_u32(ARENA_BYTES);
  link_put_u32(STEPS);
  link_put_u32(TICKS_PER_SECOND);
  link_put_u32(with_steps ? LINK_FLAG_STEP_TICKS : with_tensors ? LINK_FLAG_TENSORS : 0);
  link_put(model_start, sizeof model_start);
  link_put(board_name, name_bytes);
  link_end();
}

static void send_tensors(uint16_t sequence)
{
  for (uint32_t number = 0; number < STEPS; ++number) {
    if (number == 1 && lose_tensor) continue;
    link_begin(LINK_TENSOR, sequence, 4 + input_bytes);
    link_put_u32(number);
    for (uint32_t i = 0; i < input_bytes; ++i) {
      const uint8_t less = (uint8_t)(input[i] - number);
      link_put(&less, 1);
    }
    link_end();
  }
  lose_tensor = 0;
}

static void send_result(uint16_t sequence)
{
  const uint32_t ticks = ++runs;
  if (with_tensors) send_tensors(sequence);
  link_begin(LINK_RESULT, sequence, 4 + input_bytes + (with_steps ? 4u * STEPS : with_tensors ? 4u : 0));
  link_put_u32(ticks);
  for (uint32_t i = 0; i < input_bytes; ++i) {
    const uint8_t inverted = (uint8_t)~input[i];
    link_put(&inverted, 1);
  }
  for (uint32_t step = 0; with_steps && step < STEPS; ++step) link_put_u32(ticks * 10 + step);
  if (with_tensors) link_put_u32(STEPS);
  link_end();
}

static void hang(void)
{
  for (;;) pause();
}

/* Returns 1 if the image asked for misbehaviour instead of a result. */
static int misbehave(uint16_t sequence)
{
  static const link_fault fault = {3, 0x100, 0x200, 0x20000000, 0x01000000, 1u << 25, 1u << 30, 5, 6};
  static const char start[] = "\xC0\xDB do ";
  if (input_bytes < sizeof start || memcmp(input, start, sizeof start - 1) != 0) return 0;
  switch (input[sizeof start - 1]) {
    case 'f': /* fault */
      link_send_fault(&fault);
      hang();
      break;
    case 'm': /* fault in the middle of a frame, after half an escape */
      link_begin(LINK_RESULT, sequence, 4 + input_bytes);
      board_write(0xDB);
      link_send_fault(&fault);
      hang();
      break;
    case 'h': hang(); break;
    case 'x': exit(0);
    case 'r': /* restart and say so */
      print("rst:0x8 watchdog\r\n");
      send_info(0);
      break;
    case 'l': /* lose the request, unless it has come before */
      if (lost) return 0;
      lost = 1;
      print("restarted silently\r\n");
      break;
    case 'n': /* never answer */ break;
    case 'o': /* restart with another firmware */ board_name = "other"; break;
    case 'w': /* the wire loses a tensor, once */
      lose_tensor = !lost;
      lost = 1;
      return 0;
    case 's': /* slow */ usleep(300000); return 0;
    case 't': /* text, half a frame, a frame that nobody asked for, then the result */
      print("debug: 42\r\n\xC0\x01\x82");
      send_info(0xFFFF);
      return 0;
    case 'g': /* a result of the wrong size */
      link_begin(LINK_RESULT, sequence, 4);
      link_put_u32(1);
      link_end();
      break;
    default: return 0;
  }
  return 1;
}

static int answer(const link_request *request)
{
  switch (request->type) {
    case LINK_HELLO: send_info(request->sequence); break;
    case LINK_RUN:
      if (!misbehave(request->sequence)) send_result(request->sequence);
      break;
    case LINK_STATE:
      link_begin(LINK_STATE_ANSWER, request->sequence, 8);
      link_put_u32(STACK_BYTES);
      link_put_u32(runs);
      link_end();
      break;
    case LINK_RESET:
      link_begin(LINK_RESET_ANSWER, request->sequence, 0);
      link_end();
      break;
    default:
      link_begin(LINK_STOPPED, request->sequence, 0);
      link_end();
      return 0;
  }
  return 1;
}

int main(int count, char **arguments)
{
  link_request request;
  if (count < 2) return 2;
  input_bytes = (uint32_t)strtoul(arguments[1], NULL, 10);
  with_steps = count > 2 && strcmp(arguments[2], "steps") == 0;
  with_tensors = count > 2 && strcmp(arguments[2], "tensors") == 0;
  input = malloc(input_bytes); /* exactly, so that the sanitizer sees a byte beyond it */
  if (input == NULL) return 2;
  const uint32_t half = (input_bytes + 1) / 2;
  const link_piece pieces[2] = {{input, half}, {input + half, input_bytes - half}};
  while (link_receive(&request, pieces, input_bytes < 2 ? input_bytes : 2) && answer(&request)) {
  }
  free(input);
  return 0;
}
