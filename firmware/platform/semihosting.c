/* Transport for emulators: all requests stand in one file, all answers go to another (Arm's
 * semihosting, also on RISC-V). */
#include "board.h"
#include "platform.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT = 0x18 };
enum { OPEN_READ_BINARY = 1, OPEN_WRITE_BINARY = 5, BUFFER = 128 };
enum { STOPPED_APPLICATION_EXIT = 0x20026, STOPPED_RUNTIME_ERROR = 0x20023 };

typedef struct {
  uintptr_t handle;
  uint32_t at, filled;
  uint8_t bytes[BUFFER];
} stream;

static stream requests, answers;

static uintptr_t open_file(const char *name, uintptr_t length, uintptr_t mode)
{
  const uintptr_t block[3] = {(uintptr_t)name, mode, length};
  return semihost(SYS_OPEN, block);
}

void transport_start(void)
{
  requests.handle = open_file("requests.bin", 12, OPEN_READ_BINARY);
  answers.handle = open_file("answers.bin", 11, OPEN_WRITE_BINARY);
}

int board_read(void)
{
  if (requests.at == requests.filled) {
    const uintptr_t block[3] = {requests.handle, (uintptr_t)requests.bytes, BUFFER};
    const uintptr_t missing = semihost(SYS_READ, block);
    if (missing >= BUFFER) return -1;
    requests.filled = (uint32_t)(BUFFER - missing);
    requests.at = 0;
  }
  return requests.bytes[requests.at++];
}

void board_flush(void)
{
  const uintptr_t block[3] = {answers.handle, (uintptr_t)answers.bytes, answers.filled};
  if (answers.filled != 0) semihost(SYS_WRITE, block);
  answers.filled = 0;
}

void board_write(uint8_t byte)
{
  answers.bytes[answers.filled++] = byte;
  if (answers.filled == BUFFER) board_flush();
}

void board_exit(int failed)
{
  const uint32_t reason = failed ? STOPPED_RUNTIME_ERROR : STOPPED_APPLICATION_EXIT;
  board_flush();
  semihost(SYS_EXIT, (const void *)(uintptr_t)reason);
  for (;;) {
  }
}
