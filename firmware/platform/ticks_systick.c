/* Ticks of the core's own SysTick timer, extended beyond its 24 bits by its interrupt. */
#include "board.h"

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE (*(volatile uint32_t *)0xE000E018u)

enum { PERIOD = 0x1000000 };

static volatile uint32_t periods;

void tick_handler(void);
void tick_handler(void)
{
  ++periods;
}

void board_ticks_start(void)
{
  SYSTICK_CONTROL = 0;
  periods = 0;
  SYSTICK_RELOAD = PERIOD - 1;
  SYSTICK_VALUE = 0;
  SYSTICK_CONTROL = 7; /* enabled, interrupt, processor clock */
  while (SYSTICK_VALUE == 0) {
    /* The counter loads its start value at the first tick. */
  }
}

uint32_t board_ticks(void)
{
  uint32_t before, value;
  do {
    before = periods;
    value = SYSTICK_VALUE;
  } while (before != periods);
  return before * PERIOD + (PERIOD - 1 - value);
}

uint32_t board_ticks_per_second(void)
{
  return BOARD_TICKS_PER_SECOND;
}
