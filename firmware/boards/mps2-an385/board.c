/* Start-up and semihosting for a Cortex-M image that runs under QEMU: no C library beyond memcpy and memset. */
#include <stdint.h>

#include "board.h"

extern uint32_t stack_top, data_start, data_end, data_load, bss_start, bss_end;

enum { SEMIHOST_WRITE0 = 0x04, SEMIHOST_EXIT = 0x18, STOPPED_APPLICATION_EXIT = 0x20026, STOPPED_RUNTIME_ERROR = 0x20023 };

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)
enum { SYSTICK_PERIOD = 0x1000000 };

static void semihost(uint32_t operation, uintptr_t argument)
{
  register uint32_t r0 __asm__("r0") = operation;
  register uintptr_t r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void board_print(const char *text)
{
  semihost(SEMIHOST_WRITE0, (uintptr_t)text);
}

void board_print_number(uint32_t number)
{
  char digits[11];
  char *at = digits + sizeof digits;
  *--at = '\0';
  do {
    *--at = (char)('0' + number % 10u);
    number /= 10u;
  } while (number != 0u);
  board_print(at);
}

void board_exit(int failed)
{
  semihost(SEMIHOST_EXIT, failed ? STOPPED_RUNTIME_ERROR : STOPPED_APPLICATION_EXIT);
  for (;;) {
  }
}

void board_ticks_start(void)
{
  SYSTICK_CONTROL = 0;
  SYSTICK_RELOAD = SYSTICK_PERIOD - 1;
  SYSTICK_VALUE = 0;
  SYSTICK_CONTROL = 5; /* enabled, processor clock, no interrupt */
  while (SYSTICK_VALUE == 0) {
  }
}

uint32_t board_ticks(void)
{
  return (uint32_t)(SYSTICK_PERIOD - 1) - SYSTICK_VALUE;
}

int main(void);
void reset_handler(void);
void fault_handler(void);

void reset_handler(void)
{
  const uint32_t *from = &data_load;
  for (uint32_t *to = &data_start; to < &data_end; ++to) *to = *from++;
  for (uint32_t *to = &bss_start; to < &bss_end; ++to) *to = 0;
  board_exit(main());
}

void fault_handler(void)
{
  board_print("fault\n");
  board_exit(1);
}

typedef void (*vector)(void);
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)&stack_top, reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler};
