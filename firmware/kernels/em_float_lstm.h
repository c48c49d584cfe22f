/* UNIDIRECTIONAL_SEQUENCE_LSTM on float32: four gates, no peephole, projection or normalisation.
 *
 * in      float [rows][inputs]               out    float [rows][units]
 * A row is a step of one of `batch` sequences; `time_major`: the sequences' steps take turns.
 * hidden  float [batch][units], what the last step gave; changed
 * cell    float [batch][units]; changed
 * weights float [units][4][inputs + units], gates in the order input, forget, cell, output
 * bias    float [units][4]
 * A row is read for every unit, so `out` may start `units` or more before `in` where `units` <=
 * `inputs`, as in every row.
 */
#ifndef EM_FLOAT_LSTM_H
#define EM_FLOAT_LSTM_H

#include "em_float_common.h"

typedef struct {
  int32_t rows;
  int32_t batch;
  int16_t time_major;
  int32_t inputs;
  int32_t units;
  float cell_limit; /* of the cell state's size; 0: none */
} em_float_lstm_params;

EM_INLINE float em_float_lstm_finite(float x)
{
  return em_float_limited(x, -EM_FLOAT_LARGEST, EM_FLOAT_LARGEST);
}

EM_INLINE float em_float_lstm_sum(const float *weights, const float *x, int32_t count, float bias)
{
  float sum = 0.0f;
  for (int32_t i = 0; i < count; ++i) sum += weights[i] * x[i];
  return em_float_lstm_finite(sum + bias);
}

/* Brings a unit's cell state forward and returns its output. */
EM_PART float em_float_lstm_unit(const em_float_lstm_params *p, const float *weights,
                                 const float *bias, const float *in, const float *hidden,
                                 float *cell)
{
  float argument[4];
  for (int gate = 0; gate < 4; ++gate, weights += p->inputs + p->units) {
    argument[gate] = em_float_lstm_sum(weights, in, p->inputs, bias[gate]);
    argument[gate] += em_float_lstm_sum(weights + p->inputs, hidden, p->units, 0.0f);
  }
  const float old = em_float_lstm_finite(em_float_sigmoid(argument[1]) * *cell);
  const float added = em_float_lstm_finite(em_float_sigmoid(argument[0]) * tanhf(argument[2]));
  *cell = old + added;
  if (p->cell_limit > 0.0f) { /* what is no number becomes the limit */
    const float least = *cell < p->cell_limit ? *cell : p->cell_limit;
    *cell = least < -p->cell_limit ? -p->cell_limit : least;
  }
  return em_float_lstm_finite(tanhf(*cell) * em_float_sigmoid(argument[3]));
}

EM_KERNEL void em_float_lstm(const em_float_lstm_params *p, const float *weights, const float *bias,
                             float *hidden, float *cell, const float *in, float *out)
{
  const int32_t steps = p->rows / p->batch, width = 4 * (p->inputs + p->units);
  for (int32_t row = 0; row < p->rows; ++row, in += p->inputs, out += p->units) {
    const int32_t first = (p->time_major ? row % p->batch : row / steps) * p->units;
    for (int32_t unit = 0; unit < p->units; ++unit) {
      out[unit] = em_float_lstm_unit(p, weights + unit * width, bias + 4 * unit, in, hidden + first,
                                     cell + first + unit);
    }
    EM_COPY(hidden + first, out, (size_t)p->units * sizeof *out);
  }
}

#endif
