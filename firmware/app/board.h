/* What the application may ask of a board. firmware/platform/ and firmware/boards/ implement it. */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* Returns the next byte from the host, 0..255, and waits for it; -1: no more will come (emulators
 * only). */
int board_read(void);

/* Sends a byte to the host; may only buffer it. */
void board_write(uint8_t byte);

/* Sends what is buffered. */
void board_flush(void);

/* Ends an emulation, with failure unless `failed` is 0; a real board stays in a loop. Does not
 * return. */
void board_exit(int failed);

/* Starts the tick counter; reads it, modulo 2^32; tells how fast it counts. */
void board_ticks_start(void);
uint32_t board_ticks(void);
uint32_t board_ticks_per_second(void);

#endif
