/* The device's side of the link protocol, version 1, on top of board_read, board_write and
 * board_flush.
 *
 * A frame on the wire lies between two END bytes, SLIP-escaped (RFC 1055), so a receiver finds the
 * next frame whatever went before. Its content, little-endian:
 *
 *   u8 version, u8 type, u16 sequence, u32 payload length | payload | u32 CRC-32 (IEEE 802.3) of
 *   header and payload
 *
 * A request may come twice; every answer carries its request's sequence. Sequence 0 is no
 * request's.
 * RAM: 4 bytes static and a frame's header on the stack; a payload goes straight to its
 * destination.
 */
#ifndef LINK_H
#define LINK_H

#include <stdint.h>

enum { LINK_VERSION = 1 };

/* Requests; all but RUN are empty. The answer's type is the request's + 0x80. */
enum {
  LINK_HELLO = 0x01,
  LINK_RUN = 0x02, /* the network's inputs, one after the other */
  LINK_STATE = 0x03,
  LINK_STOP = 0x04,
  LINK_RESET = 0x06 /* what the network keeps from one RUN to the next gets its first values */
};

/* Answers. */
enum {
  /* u32 bytes of all inputs, all outputs and the arena, steps, ticks per second, flags; u8[8] first
   * bytes of the model's SHA-256; the board's name, UTF-8, to the end */
  LINK_INFO = 0x81,
  /* u32 ticks; the network's outputs; with LINK_FLAG_STEP_TICKS u32 ticks of every step; with
   * LINK_FLAG_TENSORS u32 how many TENSOR frames came before it */
  LINK_RESULT = 0x82,
  /* u32 stack size, u32 stack bytes used at most since the start; 0, 0: not known */
  LINK_STATE_ANSWER = 0x83,
  LINK_STOPPED = 0x84,      /* empty */
  LINK_RESET_ANSWER = 0x86, /* empty */
  /* with LINK_FLAG_TENSORS, before the RESULT and with its sequence, for every tensor that the
   * network writes: u32 its number, from 0 in the order of the writing; its bytes */
  LINK_TENSOR = 0x85,
  /* u8 code; the sequence is the refused frame's, 0 where it could not be read */
  LINK_ERROR = 0xFE,
  LINK_FAULT = 0xFF /* link_fault; sequence 0 */
};

/* Flags of LINK_INFO. */
enum { LINK_FLAG_STEP_TICKS = 1, LINK_FLAG_TENSORS = 2 };

/* Codes of LINK_ERROR. A damaged frame is CRC or, with fewer than 12 bytes, LENGTH; the others
 * arrived intact. */
enum { LINK_ERROR_CRC = 1, LINK_ERROR_LENGTH = 2, LINK_ERROR_TYPE = 3, LINK_ERROR_VERSION = 4 };

/* Added to `kind` of link_fault on RISC-V. */
enum { LINK_FAULT_RISCV = 0x1000 };

/* The registers at a fault; 0 what the core has not.
 * Cortex-M: `kind` is the exception number; pc, lr and xpsr are those stacked, sp is that before
 * the exception.
 * RISC-V: `kind` is LINK_FAULT_RISCV + mcause, pc mepc, lr ra, xpsr mstatus, bfar mtval.
 */
typedef struct {
  uint32_t kind;
  uint32_t pc;
  uint32_t lr;
  uint32_t sp;
  uint32_t xpsr;
  uint32_t cfsr;
  uint32_t hfsr;
  uint32_t mmfar;
  uint32_t bfar;
} link_fault;

/* A request, valid in every respect. */
typedef struct {
  uint8_t type; /* LINK_HELLO .. LINK_RESET */
  uint16_t sequence;
} link_request;

/* A place for `bytes` of a payload, at least 1. */
typedef struct {
  void *data;
  uint32_t bytes;
} link_piece;

/* Waits for the next valid request and returns 1, or 0 when no more will come.
 *
 * A RUN's payload has exactly as many bytes as the `count` pieces of `input` and lies in them then.
 * Until then they may get bytes of requests that turn out to be damaged, but nothing is ever
 * written outside of them. Every frame that is not valid is answered here with LINK_ERROR.
 */
int link_receive(link_request *request, const link_piece *input, uint32_t count);

/* Sends an answer: its header, then `length` bytes in as many pieces as there are, then its end. A
 * frame that was begun and not ended is void as soon as another one begins. */
void link_begin(uint8_t type, uint16_t sequence, uint32_t length);
void link_put(const void *data, uint32_t bytes);
void link_put_u32(uint32_t value);
void link_end(void);

/* Sends a FAULT frame; for fault handlers, also while another frame is being sent. */
void link_send_fault(const link_fault *fault);

#endif
