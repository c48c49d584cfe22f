/* What every polled UART shares: nothing is buffered, and a board has nowhere to exit to. Included
 * by the drivers. */
#ifndef UART_POLLED_H
#define UART_POLLED_H

#include "board.h"

void board_flush(void)
{
}

void board_exit(int failed)
{
  (void)failed;
  for (;;) {
  }
}

#endif
