/* Ticks of the nRF51's TIMER0 (nRF51 Series Reference Manual, chapter 18): its core has no
 * SysTick. */
#include "board.h"

#define TIMER0(offset) (*(volatile uint32_t *)(BOARD_TICKS_ADDRESS + (offset)))
#define TASKS_START TIMER0(0x000)
#define TASKS_CLEAR TIMER0(0x00C)
#define TASKS_CAPTURE0 TIMER0(0x040)
#define MODE TIMER0(0x504)
#define BITMODE TIMER0(0x508)
#define PRESCALER TIMER0(0x510)
#define CC0 TIMER0(0x540)

void board_ticks_start(void)
{
  MODE = 0;
  BITMODE = 3; /* 32 bits */
  PRESCALER = 0;
  TASKS_CLEAR = 1;
  TASKS_START = 1;
}

uint32_t board_ticks(void)
{
  TASKS_CAPTURE0 = 1;
  return CC0;
}

uint32_t board_ticks_per_second(void)
{
  return BOARD_TICKS_PER_SECOND;
}
