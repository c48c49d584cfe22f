"""Stand-ins for TFLM's public headers: the declarations that generated programs use, so that these compile anywhere.

Only to be parsed, never linked or run. Names and signatures as in TFLM's headers of 2026-08-20.
"""

from __future__ import annotations

from pathlib import Path

_MICRO = "tensorflow/lite/micro"
_KERNELS = ("add", "conv", "depthwise_conv", "fully_connected", "pooling", "softmax")
_FILES = (
    f"{_MICRO}/debug_log.h",
    f"{_MICRO}/micro_interpreter.h",
    f"{_MICRO}/micro_log.h",
    f"{_MICRO}/micro_mutable_op_resolver.h",
    f"{_MICRO}/system_setup.h",
    "tensorflow/lite/schema/schema_generated.h",
    *(f"{_MICRO}/kernels/{kernel}.h" for kernel in _KERNELS),
)

_DECLARATIONS = """
#ifndef STAND_IN_H
#define STAND_IN_H
#include <cstdarg>
#include <cstddef>
#include <cstdint>

#define TFLITE_SCHEMA_VERSION (3)
#define TF_LITE_ENSURE_STATUS(call) \\
  do {                              \\
    const TfLiteStatus s = (call);  \\
    if (s != kTfLiteOk) return s;   \\
  } while (0)

enum TfLiteStatus { kTfLiteOk, kTfLiteError };
struct TfLiteTensor {
  union { void *raw; } data;
  size_t bytes;
};
struct TfLiteEvalTensor {
  union { void *raw; } data;
};
void MicroPrintf(const char *format, ...);
extern "C" void DebugLog(const char *format, va_list arguments);
extern "C" int DebugVsnprintf(char *buffer, size_t size, const char *format, va_list arguments);

namespace tflite {
struct TFLMRegistration {};
TFLMRegistration Register_ADD_INT8();
TFLMRegistration Register_AVERAGE_POOL_2D_INT8();
TFLMRegistration Register_CONV_2D_INT8();
TFLMRegistration Register_DEPTHWISE_CONV_2D_INT8();
TFLMRegistration Register_FULLY_CONNECTED_INT8();
TFLMRegistration Register_MAX_POOL_2D_INT8();
TFLMRegistration Register_SOFTMAX_INT8();

struct Model { uint32_t version() const; };
const Model *GetModel(const void *file);
void InitializeTarget();

class MicroResourceVariables;
class MicroProfilerInterface;

class MicroOpResolver {
 public:
  virtual ~MicroOpResolver() {}
};

template <unsigned int operators>
class MicroMutableOpResolver : public MicroOpResolver {
 public:
  explicit MicroMutableOpResolver() {}
  TfLiteStatus AddAdd(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddAveragePool2D(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddConv2D(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddDepthwiseConv2D(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddDequantize(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddFullyConnected(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddMaxPool2D(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddMean(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddQuantize(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddReshape(const TFLMRegistration &kernel = TFLMRegistration());
  TfLiteStatus AddSoftmax(const TFLMRegistration &kernel = TFLMRegistration());
};

class MicroInterpreter {
 public:
  MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *arena, size_t bytes,
                   MicroResourceVariables *variables = nullptr, MicroProfilerInterface *profiler = nullptr,
                   bool preserve_all_tensors = false);
  ~MicroInterpreter();
  TfLiteStatus AllocateTensors();
  TfLiteStatus Invoke();
  TfLiteTensor *input(size_t index);
  TfLiteTensor *output(size_t index);
  template <class T> T *typed_input_tensor(int index);
  template <class T> T *typed_output_tensor(int index);
  TfLiteEvalTensor *GetTensor(int tensor, int subgraph = 0);
  size_t arena_used_bytes() const;
};
}  // namespace tflite
#endif
"""


def write_stand_ins(folder: Path) -> Path:
    """Write the headers below ``folder`` and return it."""
    (folder / "stand_in.h").write_text(_DECLARATIONS)
    for name in _FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text('#include "stand_in.h"\n')
    return folder
