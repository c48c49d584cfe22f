/* Loops that behave like a neural network's on a microcontroller: what scripts/calibrate_cycles runs and times.
 *
 * Two styles of the same int8 3x3 convolution, a depthwise one and a dense layer: "reference" computes every index and
 * checks every border as a portable interpreter does; "blocked" widens a patch to int16 and multiplies two rows by two
 * columns, two products an instruction where the core has SMLAD.
 */
#include <stdint.h>

enum { SIZE = 8, CHANNELS = 16, FILTERS = 16, TAPS = 9, DENSE = 256 };

int8_t input[SIZE * SIZE * CHANNELS];
int8_t weights[FILTERS * TAPS * CHANNELS];
int32_t bias[FILTERS];
int8_t output[SIZE * SIZE * FILTERS];
int16_t patches[2][TAPS * CHANNELS];

/* Entry: fills input and weights. Nothing else starts here; the emulator calls each loop by its address. */
void reset_handler(void)
{
  uint32_t state = 1;
  for (int i = 0; i < SIZE * SIZE * CHANNELS; ++i) input[i] = (int8_t)((state = state * 1664525u + 1013904223u) >> 24);
  for (int i = 0; i < FILTERS * TAPS * CHANNELS; ++i)
    weights[i] = (int8_t)((state = state * 1664525u + 1013904223u) >> 24);
}

void reset_handler(void);
void conv_reference(void);
void conv_blocked(void);
void depthwise_reference(void);
void dense_reference(void);

static int8_t requantise(int32_t sum, int channel)
{
  const int64_t product = (int64_t)sum * (1500000000 + channel);
  int32_t scaled = (int32_t)((product + (1ll << 38)) >> 39);
  if (scaled > 127) scaled = 127;
  if (scaled < -128) scaled = -128;
  return (int8_t)scaled;
}

static int offset(int row, int column, int channel) { return (row * SIZE + column) * CHANNELS + channel; }

void conv_reference(void)
{
  for (int row = 0; row < SIZE; ++row)
    for (int column = 0; column < SIZE; ++column)
      for (int filter = 0; filter < FILTERS; ++filter) {
        int32_t sum = bias[filter];
        for (int y = 0; y < 3; ++y)
          for (int x = 0; x < 3; ++x) {
            const int in_row = row + y - 1;
            const int in_column = column + x - 1;
            if (in_row < 0 || in_row >= SIZE || in_column < 0 || in_column >= SIZE) continue;
            for (int channel = 0; channel < CHANNELS; ++channel) {
              const int32_t value = input[offset(in_row, in_column, channel)];
              const int32_t weight = weights[((filter * 3 + y) * 3 + x) * CHANNELS + channel];
              sum += weight * (value + 128);
            }
          }
        output[offset(row, column, filter)] = requantise(sum, filter);
      }
}

void depthwise_reference(void)
{
  for (int row = 0; row < SIZE; ++row)
    for (int column = 0; column < SIZE; ++column)
      for (int channel = 0; channel < CHANNELS; ++channel) {
        int32_t sum = bias[channel];
        for (int y = 0; y < 3; ++y)
          for (int x = 0; x < 3; ++x) {
            const int in_row = row + y - 1;
            const int in_column = column + x - 1;
            if (in_row < 0 || in_row >= SIZE || in_column < 0 || in_column >= SIZE) continue;
            sum += weights[(y * 3 + x) * CHANNELS + channel] * (input[offset(in_row, in_column, channel)] + 128);
          }
        output[offset(row, column, channel)] = requantise(sum, channel);
      }
}

#if defined(__ARM_FEATURE_DSP)

static inline uint32_t word(const void *from)
{
  uint32_t value;
  __builtin_memcpy(&value, from, sizeof value);
  return value;
}

static inline int32_t smlad(uint32_t a, uint32_t b, int32_t sum)
{
  int32_t result;
  __asm__("smlad %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
  return result;
}

static inline uint32_t sxtb16(uint32_t a)
{
  uint32_t result;
  __asm__("sxtb16 %0, %1" : "=r"(result) : "r"(a));
  return result;
}

static inline uint32_t sxtb16_ror8(uint32_t a)
{
  uint32_t result;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(result) : "r"(a));
  return result;
}

static inline uint32_t pack_low(uint32_t a, uint32_t b)
{
  uint32_t result;
  __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(result) : "r"(a), "r"(b));
  return result;
}

static inline uint32_t pack_high(uint32_t a, uint32_t b)
{
  uint32_t result;
  __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(result) : "r"(a), "r"(b));
  return result;
}

/* Four int8 to two words of two int16 each, in order. */
static inline void widen(const int8_t *from, uint32_t *first, uint32_t *second)
{
  const uint32_t four = word(from);
  const uint32_t odd = sxtb16_ror8(four);
  const uint32_t even = sxtb16(four);
  *first = pack_low(even, odd);
  *second = pack_high(odd, even);
}

static void two_by_two(const int8_t *a, const int8_t *b, int count, int32_t *sums)
{
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  const int16_t *p = patches[0], *q = patches[1];
  for (int i = 0; i < count; i += 4) {
    uint32_t a0, a1, b0, b1;
    widen(a + i, &a0, &a1);
    widen(b + i, &b0, &b1);
    const uint32_t p0 = word(p + i), q0 = word(q + i), p1 = word(p + i + 2), q1 = word(q + i + 2);
    s0 = smlad(a1, p1, smlad(a0, p0, s0));
    s1 = smlad(a1, q1, smlad(a0, q0, s1));
    s2 = smlad(b1, p1, smlad(b0, p0, s2));
    s3 = smlad(b1, q1, smlad(b0, q0, s3));
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

#else

static void two_by_two(const int8_t *a, const int8_t *b, int count, int32_t *sums)
{
  int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
  for (int i = 0; i < count; ++i) {
    s0 += a[i] * patches[0][i];
    s1 += a[i] * patches[1][i];
    s2 += b[i] * patches[0][i];
    s3 += b[i] * patches[1][i];
  }
  sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
}

#endif

static void gather(int16_t *to, int row, int column)
{
  for (int y = row - 1; y <= row + 1; ++y)
    for (int x = column - 1; x <= column + 1; ++x) {
      const int inside = y >= 0 && y < SIZE && x >= 0 && x < SIZE;
      for (int channel = 0; channel < CHANNELS; ++channel)
        *to++ = (int16_t)(inside ? input[offset(y, x, channel)] + 128 : 0);
    }
}

void conv_blocked(void)
{
  const int count = TAPS * CHANNELS;
  for (int row = 0; row < SIZE; ++row)
    for (int column = 0; column < SIZE; column += 2) {
      gather(patches[0], row, column);
      gather(patches[1], row, column + 1);
      for (int filter = 0; filter < FILTERS; filter += 2) {
        int32_t sums[4] = {bias[filter], bias[filter], bias[filter + 1], bias[filter + 1]};
        two_by_two(weights + filter * count, weights + (filter + 1) * count, count, sums);
        output[offset(row, column, filter)] = requantise(sums[0], filter);
        output[offset(row, column + 1, filter)] = requantise(sums[1], filter);
        output[offset(row, column, filter + 1)] = requantise(sums[2], filter + 1);
        output[offset(row, column + 1, filter + 1)] = requantise(sums[3], filter + 1);
      }
    }
}

void dense_reference(void)
{
  for (int filter = 0; filter < 8; ++filter) {
    int32_t sum = bias[filter];
    for (int i = 0; i < DENSE; ++i) sum += weights[filter * DENSE + i] * (input[i] + 128);
    output[filter] = requantise(sum, filter);
  }
}
