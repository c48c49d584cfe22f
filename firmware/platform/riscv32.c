/* RISC-V, 32 bits, machine mode: reset, traps, the cycle counter as the tick. */
#include <string.h>

#include "board.h"
#include "link.h"
#include "platform.h"

int main(void);
void reset_handler(void);
void start(void);
void trap_entry(void);
void trap_report(uint32_t stack_pointer, uint32_t return_address);

extern uint32_t flash_start[];

uint32_t fault_stack[96];

__attribute__((naked, section(".vectors"), used)) void reset_handler(void)
{
  __asm__ volatile(
      "la sp, stack_top\n"
      "la t0, trap_entry\n"
      "csrw mtvec, t0\n"
      "j start\n");
}

/* Physical memory protection: flash up to the start of RAM can be read and executed, not written,
 * in machine mode too. A stack that overflows runs into it (Privileged Architecture, section 3.7:
 * top of range, locked). */
static void protect_flash(void)
{
  const uintptr_t bottom = (uintptr_t)flash_start >> 2, top = (uintptr_t)stack_limit >> 2;
  __asm__ volatile("csrw pmpaddr0, %0" : : "r"(bottom));
  __asm__ volatile("csrw pmpaddr1, %0" : : "r"(top));
  __asm__ volatile("csrw pmpcfg0, %0" : : "r"(0x8D00u));
}

__attribute__((used)) void start(void)
{
  protect_flash();
  stack_paint();
  memory_start();
  transport_start();
  board_exit(main());
}

__attribute__((naked, aligned(4))) void trap_entry(void)
{
  __asm__ volatile(
      "mv a0, sp\n"
      "mv a1, ra\n"
      "la sp, fault_stack + 384\n"
      "j trap_report\n");
}

__attribute__((used)) void trap_report(uint32_t stack_pointer, uint32_t return_address)
{
  link_fault fault;
  uint32_t cause;
  memset(&fault, 0, sizeof fault);
  __asm__ volatile("csrr %0, mcause" : "=r"(cause));
  __asm__ volatile("csrr %0, mepc" : "=r"(fault.pc));
  __asm__ volatile("csrr %0, mtval" : "=r"(fault.bfar));
  __asm__ volatile("csrr %0, mstatus" : "=r"(fault.xpsr));
  fault.kind = LINK_FAULT_RISCV + cause;
  fault.sp = stack_pointer;
  fault.lr = return_address;
  link_send_fault(&fault);
  board_exit(1);
}

/* RISC-V Semihosting, section 3: these three instructions, uncompressed, mark the request. */
uintptr_t semihost(uint32_t operation, const void *argument)
{
  register uintptr_t a0 __asm__("a0") = operation;
  register const void *a1 __asm__("a1") = argument;
  __asm__ volatile(
      ".balign 16\n"
      ".option push\n"
      ".option norvc\n"
      "slli x0, x0, 0x1f\n"
      "ebreak\n"
      "srai x0, x0, 0x7\n"
      ".option pop\n"
      : "+r"(a0)
      : "r"(a1)
      : "memory");
  return a0;
}

void board_ticks_start(void)
{
}

uint32_t board_ticks(void)
{
  uint32_t cycles;
  __asm__ volatile("csrr %0, mcycle" : "=r"(cycles));
  return cycles;
}

uint32_t board_ticks_per_second(void)
{
  return BOARD_TICKS_PER_SECOND;
}
