#include "device.h"

#include <stdio.h>

SysTick_Type standin_systick;
uint32_t SystemCoreClock = 1000000u;

/* The program never ends, so what it prints must not wait in a buffer. */
void SystemCoreClockUpdate(void)
{
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
}
