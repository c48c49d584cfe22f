/* UNIDIRECTIONAL_SEQUENCE_LSTM of int8 with a cell state of int16: four gates, no peephole,
 * projection or normalisation.
 *
 * in      int8 [rows][inputs]                out    int8 [rows][units]
 * A row is a step of one of `batch` sequences; `time_major`: the sequences' steps take turns.
 * hidden  int8 [batch][units], what the last step gave; changed
 * cell    int16 [batch][units], in powers of two; changed
 * weights int8 [units][inputs + units][4], the gates side by side: input, forget, cell, output
 * sums    int32 [units][2][4], where each gate's sum of the input's products begins, and that of
 *         the hidden state's: bias - zero point * sum(weights)
 * table   uint16 [256], the logistic function of i / 24, times 2^16
 * A row is read for every unit, so `out` may start `units` or more before `in` where `units` <=
 * `inputs`, as in every row.
 */
#ifndef EM_LSTM_H
#define EM_LSTM_H

#include "em_factor.h"

/* From the sums of a gate to its argument, which has 12 fractional bits. */
typedef struct {
  em_factor input;
  em_factor hidden;
} em_lstm_gate;

typedef struct {
  int32_t rows;
  int32_t batch;
  int16_t time_major;
  int32_t inputs;
  int32_t units;
  em_lstm_gate input_gate;
  em_lstm_gate forget_gate;
  em_lstm_gate cell_gate;
  em_lstm_gate output_gate;
  em_factor forgotten; /* of forget gate * cell state */
  em_factor added; /* of input gate * cell gate */
  em_factor shown; /* of tanh(cell state) * output gate */
  int32_t argument; /* of tanh: cell state * argument / 2^argument_shift */
  int16_t argument_shift;
  int16_t cell_minimum;
  int16_t cell_maximum;
  em_output output;
} em_lstm_params;

/* A sum for each gate. */
typedef struct {
  int32_t gate[4];
} em_lstm_sums;

/* Adds the products of `count` elements. */
EM_INLINE em_lstm_sums em_lstm_dot(em_lstm_sums s, const int8_t *weights, const int8_t *x,
                                   int32_t count)
{
  for (int32_t i = 0; i < count; ++i, weights += 4) {
    for (int gate = 0; gate < 4; ++gate) s.gate[gate] += weights[gate] * x[i];
  }
  return s;
}

EM_INLINE int32_t em_lstm_limited(int32_t value)
{
  return em_clamp(value, -32768, 32767);
}

/* The logistic function of x / 3 / 2^12, 15 fractional bits; between two entries of the table a
 * line. */
EM_PART int32_t em_lstm_sigmoid(const uint16_t *table, int32_t x)
{
  const int32_t size = x < 0 ? -x : x, entry = size >> 9;
  int32_t value = 32767 << 10;
  if (entry < 255) value = table[entry] * 512 + (size & 511) * (table[entry + 1] - table[entry]);
  return (x < 0 ? (1 << 25) - value + 511 : value + 512) >> 10;
}

/* The hyperbolic tangent of x / 3 / 2^12, 15 fractional bits. */
EM_PART int32_t em_lstm_tanh(const uint16_t *table, int32_t x)
{
  const int32_t size = x < 0 ? -x : x, entry = size >> 8;
  int32_t value = 65535 << 8;
  if (entry < 255) value = table[entry] * 256 + (size & 255) * (table[entry + 1] - table[entry]);
  value -= 1 << 23;
  return (x < 0 ? 127 - value : value + 128) >> 8;
}

/* Three times a gate's argument: what the table's functions take. */
EM_INLINE int32_t em_lstm_argument(const em_lstm_gate *gate, int32_t input, int32_t hidden)
{
  const int32_t a = em_lstm_limited(em_times(input, &gate->input));
  const int32_t b = em_lstm_limited(em_times(hidden, &gate->hidden));
  return em_lstm_limited(a + b) * 3;
}

/* Brings a unit's cell state forward and returns its output. */
EM_PART int8_t em_lstm_unit(const em_lstm_params *p, const uint16_t *table, em_lstm_sums input,
                            em_lstm_sums hidden, int16_t *cell)
{
  const int32_t enters =
      em_lstm_sigmoid(table, em_lstm_argument(&p->input_gate, input.gate[0], hidden.gate[0]));
  const int32_t stays =
      em_lstm_sigmoid(table, em_lstm_argument(&p->forget_gate, input.gate[1], hidden.gate[1]));
  const int32_t news =
      em_lstm_tanh(table, em_lstm_argument(&p->cell_gate, input.gate[2], hidden.gate[2]));
  const int32_t leaves =
      em_lstm_sigmoid(table, em_lstm_argument(&p->output_gate, input.gate[3], hidden.gate[3]));
  const int32_t old = em_lstm_limited(em_times(stays * *cell, &p->forgotten));
  const int32_t sum = old + em_lstm_limited(em_times(enters * news, &p->added));
  const int32_t half = p->argument_shift > 0 ? 1 << (p->argument_shift - 1) : 0;
  *cell = (int16_t)em_clamp(sum, p->cell_minimum, p->cell_maximum);
  const int32_t shown = em_lstm_tanh(table, (*cell * p->argument + half) >> p->argument_shift);
  const int32_t value = em_times(shown * leaves, &p->shown) + p->output.zero_point;
  return (int8_t)em_clamp(value, p->output.minimum, p->output.maximum);
}

EM_KERNEL void em_lstm(const em_lstm_params *p, const int8_t *weights, const int32_t *sums,
                       const uint16_t *table, int8_t *hidden, int16_t *cell, const int8_t *in,
                       int8_t *out)
{
  const int32_t steps = p->rows / p->batch;
  for (int32_t row = 0; row < p->rows; ++row, in += p->inputs, out += p->units) {
    const int32_t first = (p->time_major ? row % p->batch : row / steps) * p->units;
    const int8_t *w = weights;
    for (int32_t unit = 0; unit < p->units; ++unit) {
      em_lstm_sums a, b;
      EM_COPY(a.gate, sums + 8 * unit, sizeof a.gate);
      EM_COPY(b.gate, sums + 8 * unit + 4, sizeof b.gate);
      a = em_lstm_dot(a, w, in, p->inputs);
      w += 4 * p->inputs;
      b = em_lstm_dot(b, w, hidden + first, p->units);
      w += 4 * p->units;
      out[unit] = em_lstm_unit(p, table, a, b, cell + first + unit);
    }
    EM_COPY(hidden + first, out, (size_t)p->units);
  }
}

#endif
