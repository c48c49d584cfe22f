/* UART of Arm's Cortex-M System Design Kit (DDI 0479, section 4.3), as on the MPS2 and MPS3
 * boards. */
#include "platform.h"
#include "uart_polled.h"

#define UART(offset) (*(volatile uint32_t *)(BOARD_UART_ADDRESS + (offset)))
#define DATA UART(0x00)
#define STATE UART(0x04)
#define CONTROL UART(0x08)
#define BAUD_DIVIDER UART(0x10)

enum { TRANSMIT_FULL = 1, RECEIVE_FULL = 2 };

void transport_start(void)
{
  BAUD_DIVIDER = BOARD_CLOCK_HZ / 115200u;
  CONTROL = 3; /* transmit and receive */
}

int board_read(void)
{
  while ((STATE & RECEIVE_FULL) == 0) {
  }
  return (int)(DATA & 0xFFu);
}

void board_write(uint8_t byte)
{
  while ((STATE & TRANSMIT_FULL) != 0) {
  }
  DATA = byte;
}
