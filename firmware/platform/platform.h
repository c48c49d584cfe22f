/* The seams inside the platform: what start-up code, transports and timers know of each other. */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stdint.h>

/* From the linker script: the stack lies at the very bottom of RAM, so that an overflow leaves RAM
 * and faults. */
extern uint32_t stack_limit[], stack_top[];

/* The transport's part of start-up: UART registers, semihosting files. Called once, before main. */
void transport_start(void);

/* Asks the debugger or emulator for an operation; `argument` is what the operation defines. */
uintptr_t semihost(uint32_t operation, const void *argument);

/* Sets the stack aside with a pattern, so that its deepest use can be read later. */
void stack_paint(void);

/* Bytes of the stack, and the most of them that were ever used. */
uint32_t stack_size(void);
uint32_t stack_used(void);

/* Copies .data out of flash and clears .bss. */
void memory_start(void);

#endif
