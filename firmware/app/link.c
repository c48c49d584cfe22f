#include "link.h"

#include "board.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the link sends numbers as they lie in memory, which has to be little-endian"
#endif

enum { END = 0xC0, ESC = 0xDB, ESC_END = 0xDC, ESC_ESC = 0xDD };

/* As on the wire: 8 bytes, no gaps. */
typedef struct {
  uint8_t version;
  uint8_t type;
  uint16_t sequence;
  uint32_t length;
} frame_header;

enum { HEADER_BYTES = sizeof(frame_header), CRC_BYTES = 4, SEQUENCE_END = 4 };

/* CRC-32 of IEEE 802.3, reflected: start value, and what is left after a message and its own
 * (inverted) CRC. */
#define CRC_START 0xFFFFFFFFu
#define CRC_RESIDUE 0xDEBB20E3u

static uint32_t crc_update(uint32_t crc, uint8_t byte)
{
  static const uint32_t of_nibble[16] = {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu,
                                         0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
                                         0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
                                         0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu};
  crc ^= byte;
  crc = (crc >> 4) ^ of_nibble[crc & 15u];
  return (crc >> 4) ^ of_nibble[crc & 15u];
}

/* What is kept of a frame while it comes in. */
typedef struct {
  frame_header header;
  uint32_t bytes; /* of content: header, payload and CRC */
  uint32_t crc;
  int broken; /* a byte after ESC that must not be there */
  const link_piece *piece; /* where a RUN's next byte goes, */
  uint32_t at;             /* there, */
  uint32_t left;           /* and how many pieces are not full yet */
} incoming;

/* Puts a RUN's next byte where it belongs. The CRC goes there, too, where a payload is shorter;
 * such a frame is refused. */
static void put_input(incoming *frame, uint8_t byte)
{
  if (frame->left == 0) return;
  ((uint8_t *)frame->piece->data)[frame->at++] = byte;
  if (frame->at < frame->piece->bytes) return;
  frame->at = 0;
  ++frame->piece;
  --frame->left;
}

/* Takes the frame that ends at the next END and is not empty; returns 0 when the input ends
 * before. */
static int receive_content(incoming *frame, const link_piece *input, uint32_t count)
{
  frame->piece = input;
  frame->at = 0;
  frame->left = count;
  frame->bytes = 0;
  frame->crc = CRC_START;
  frame->broken = 0;
  for (;;) {
    int byte = board_read();
    if (byte == ESC) {
      byte = board_read();
      if (byte == ESC_END) {
        byte = END;
      } else if (byte == ESC_ESC) {
        byte = ESC;
      } else {
        frame->broken = 1;
        if (byte == END) return 1;
      }
    } else if (byte == END) {
      if (frame->bytes != 0) return 1;
      continue;
    }
    if (byte < 0) return 0;
    const uint32_t at = frame->bytes++;
    frame->crc = crc_update(frame->crc, (uint8_t)byte);
    if (at < HEADER_BYTES) {
      ((uint8_t *)&frame->header)[at] = (uint8_t)byte;
    } else if (frame->header.type == LINK_RUN) {
      put_input(frame, (uint8_t)byte);
    }
  }
}

/* Returns what is wrong with a frame, 0 if nothing is. */
static uint8_t fault_of(const incoming *frame, uint32_t input_bytes)
{
  const frame_header *header = &frame->header;
  if (frame->bytes < HEADER_BYTES + CRC_BYTES) return LINK_ERROR_LENGTH;
  if (frame->broken || frame->crc != CRC_RESIDUE) return LINK_ERROR_CRC;
  if (header->version != LINK_VERSION) return LINK_ERROR_VERSION;
  if ((header->type < LINK_HELLO || header->type > LINK_STOP) && header->type != LINK_RESET)
    return LINK_ERROR_TYPE;
  if (header->length != frame->bytes - (HEADER_BYTES + CRC_BYTES)) return LINK_ERROR_LENGTH;
  return header->length == (header->type == LINK_RUN ? input_bytes : 0) ? 0 : LINK_ERROR_LENGTH;
}

int link_receive(link_request *request, const link_piece *input, uint32_t count)
{
  incoming frame;
  uint32_t input_bytes = 0;
  for (uint32_t i = 0; i < count; ++i) input_bytes += input[i].bytes;
  while (receive_content(&frame, input, count)) {
    const uint8_t code = fault_of(&frame, input_bytes);
    if (code == 0) {
      request->type = frame.header.type;
      request->sequence = frame.header.sequence;
      return 1;
    }
    link_begin(LINK_ERROR, frame.bytes < SEQUENCE_END ? 0 : frame.header.sequence, sizeof code);
    link_put(&code, sizeof code);
    link_end();
  }
  return 0;
}

static uint32_t sent_crc;

void link_put(const void *data, uint32_t bytes)
{
  const uint8_t *from = data;
  for (const uint8_t *end = from + bytes; from != end; ++from) {
    uint8_t byte = *from;
    sent_crc = crc_update(sent_crc, byte);
    if (byte == END || byte == ESC) {
      board_write(ESC);
      byte = byte == END ? ESC_END : ESC_ESC;
    }
    board_write(byte);
  }
}

void link_put_u32(uint32_t value)
{
  link_put(&value, sizeof value);
}

void link_begin(uint8_t type, uint16_t sequence, uint32_t length)
{
  const frame_header header = {LINK_VERSION, type, sequence, length};
  board_write(END);
  sent_crc = CRC_START;
  link_put(&header, sizeof header);
}

void link_end(void)
{
  link_put_u32(~sent_crc);
  board_write(END);
  board_flush();
}

void link_send_fault(const link_fault *fault)
{
  link_begin(LINK_FAULT, 0, sizeof *fault);
  link_put(fault, sizeof *fault);
  link_end();
}
