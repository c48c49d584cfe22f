/* Cortex-M: vector table, reset, faults. Armv6-M to Armv8.1-M. */
#include <string.h>

#include "board.h"
#include "link.h"
#include "platform.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define CPACR REGISTER(0xE000ED88u)
#define CFSR REGISTER(0xE000ED28u)
#define HFSR REGISTER(0xE000ED2Cu)
#define MMFAR REGISTER(0xE000ED34u)
#define BFAR REGISTER(0xE000ED38u)

int main(void);
void reset_handler(void);
void fault_handler(void);
void fault_report(const uint32_t *stacked);

/* The stack that a fault handler gets: the one in use may be what failed. */
uint32_t fault_stack[96];

void reset_handler(void)
{
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
  __asm__ volatile("msr msplim, %0" : : "r"(stack_limit));
#endif
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  CPACR |= 0xF00000u;
  __asm__ volatile("dsb\n isb" : : : "memory");
#endif
  stack_paint();
  memory_start();
  transport_start();
  board_exit(main());
}

__attribute__((naked)) void fault_handler(void)
{
  __asm__ volatile(
      "mrs r0, msp\n"
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
      "movs r1, #0\n"
      "msr msplim, r1\n"
#endif
      "ldr r1, =fault_stack + 384\n"
      "mov sp, r1\n"
      "ldr r1, =fault_report\n"
      "bx r1\n"
      ".ltorg\n");
}

__attribute__((used)) void fault_report(const uint32_t *stacked)
{
  link_fault fault;
  uint32_t exception;
  __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
  memset(&fault, 0, sizeof fault);
  fault.kind = exception;
  fault.sp = (uint32_t)(uintptr_t)(stacked + 8);
  /* Only where the eight stacked words lie in the stack did the core manage to write them. */
  if (stacked >= stack_limit && stacked + 8 <= stack_top) {
    fault.lr = stacked[5];
    fault.pc = stacked[6];
    fault.xpsr = stacked[7];
  }
#if !defined(__ARM_ARCH_6M__) && !defined(__ARM_ARCH_8M_BASE__)
  fault.cfsr = CFSR;
  fault.hfsr = HFSR;
  fault.mmfar = MMFAR;
  fault.bfar = BFAR;
#endif
  link_send_fault(&fault);
  board_exit(1);
}

uintptr_t semihost(uint32_t operation, const void *argument)
{
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = argument;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void tick_handler(void);
__attribute__((weak)) void tick_handler(void)
{
  fault_handler();
}

typedef void (*vector)(void);
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)stack_top,
    reset_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    fault_handler,
    tick_handler,
};
