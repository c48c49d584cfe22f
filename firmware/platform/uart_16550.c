/* The 16550 UART (National Semiconductor PC16550D), byte-wide registers, as on QEMU's RISC-V
 * machine `virt`. */
#include "platform.h"
#include "uart_polled.h"

#define UART(offset) (*(volatile uint8_t *)(BOARD_UART_ADDRESS + (offset)))
#define DATA UART(0)
#define FIFO_CONTROL UART(2)
#define LINE_CONTROL UART(3)
#define LINE_STATUS UART(5)

enum { DATA_READY = 1, TRANSMIT_EMPTY = 32 };

void transport_start(void)
{
  LINE_CONTROL = 3; /* 8 data bits, no parity, 1 stop bit */
  FIFO_CONTROL = 1;
}

int board_read(void)
{
  while ((LINE_STATUS & DATA_READY) == 0) {
  }
  return DATA;
}

void board_write(uint8_t byte)
{
  while ((LINE_STATUS & TRANSMIT_EMPTY) == 0) {
  }
  DATA = byte;
}
