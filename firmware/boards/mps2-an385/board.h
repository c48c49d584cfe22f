/* What an application may ask of a board. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Writes text, or an unsigned number in decimal, to the host. */
void board_print(const char *text);
void board_print_number(uint32_t number);

/* Ends the emulation with exit code 0, or 1 when `failed`. */
void board_exit(int failed);

/* Starts the tick counter, and reads it; under QEMU's -icount shift=0 a tick of the 25 MHz timer is 40 instructions. */
void board_ticks_start(void);
uint32_t board_ticks(void);

#endif
