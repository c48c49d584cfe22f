#ifndef DEVICE_H
#define DEVICE_H
#include <stdint.h>
typedef struct {
  volatile uint32_t CTRL;
  volatile uint32_t LOAD;
  volatile uint32_t VAL;
  volatile const uint32_t CALIB;
} SysTick_Type;
extern SysTick_Type standin_systick;
#define SysTick (&standin_systick)
extern uint32_t SystemCoreClock;
void SystemCoreClockUpdate(void);
static inline uint32_t SysTick_Config(uint32_t ticks)
{
  SysTick->LOAD = ticks - 1u;
  return ticks - 1u > 0xFFFFFFu;
}
#endif
