/* UART of the nRF51 (nRF51 Series Reference Manual, chapter 29) on the pins of the BBC micro:bit's
 * USB interface. */
#include "platform.h"
#include "uart_polled.h"

#define UART(offset) (*(volatile uint32_t *)(BOARD_UART_ADDRESS + (offset)))
#define TASKS_STARTRX UART(0x000)
#define TASKS_STARTTX UART(0x008)
#define EVENTS_RXDRDY UART(0x108)
#define EVENTS_TXDRDY UART(0x11C)
#define ENABLE UART(0x500)
#define PSELTXD UART(0x50C)
#define PSELRXD UART(0x514)
#define RXD UART(0x518)
#define TXD UART(0x51C)
#define BAUDRATE UART(0x524)

enum { PIN_TRANSMIT = 24, PIN_RECEIVE = 25, BAUD_115200 = 0x01D7E000 };

void transport_start(void)
{
  PSELTXD = PIN_TRANSMIT;
  PSELRXD = PIN_RECEIVE;
  BAUDRATE = BAUD_115200;
  ENABLE = 4;
  TASKS_STARTRX = 1;
  TASKS_STARTTX = 1;
}

int board_read(void)
{
  while (EVENTS_RXDRDY == 0) {
  }
  EVENTS_RXDRDY = 0;
  return (int)(RXD & 0xFFu);
}

void board_write(uint8_t byte)
{
  EVENTS_TXDRDY = 0;
  TXD = byte;
  while (EVENTS_TXDRDY == 0) {
  }
}
