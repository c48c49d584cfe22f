/* Runs every network over its images on QEMU's mps3-an547: inputs from images.bin, outputs to outputs.bin. */
#include "networks.h"

enum { OPEN = 0x01, WRITE = 0x05, READ = 0x06, EXIT = 0x18, READ_BINARY = 1, WRITE_BINARY = 5 };

static uint32_t semihost(uint32_t operation, const void *argument)
{
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static uint32_t file(uint32_t operation, uint32_t first, uint32_t second, uint32_t third)
{
  const uint32_t block[3] = {first, second, third};
  return semihost(operation, block);
}

static void leave(uint32_t reason)
{
  semihost(EXIT, (const void *)reason);
  for (;;) {
  }
}

__attribute__((noinline)) static void run_all(void) /* where the vector registers may be used */
{
  const uint32_t images = file(OPEN, (uint32_t) "images.bin", READ_BINARY, 10);
  const uint32_t outputs = file(OPEN, (uint32_t) "outputs.bin", WRITE_BINARY, 11);
  for (int i = 0; i < NETWORKS; ++i) {
    const network *n = &networks[i];
    int8_t *const arena = (int8_t *)(ARENA_END - n->arena);
    for (uint32_t image = 0; image < n->images; ++image) {
      for (uint32_t at = 0; at < n->arena; ++at) arena[at] = (int8_t)0xa5;
      file(READ, images, (uint32_t)(arena + n->input), n->input_bytes);
      n->run_in(arena);
      file(WRITE, outputs, (uint32_t)(arena + n->output), n->output_bytes);
    }
  }
}

void reset_handler(void);
void reset_handler(void)
{
  *(volatile uint32_t *)0xE000ED88u |= 0xF00000u; /* the vector registers */
  __asm__ volatile("dsb\n isb" : : : "memory");
  run_all();
  leave(0x20026);
}

static void fault_handler(void)
{
  leave(0x20023);
}

__attribute__((section(".vectors"), used)) static void (*const vectors[7])(void) = {
    (void (*)(void))STACK_TOP, reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler};
