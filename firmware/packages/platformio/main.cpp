/* Runs the self-test of @{name}, then @{does} the examples: Serial on a board, standard output
 * in the native build. */
#include <@{name}.h>
#include <@{name}_examples.h>

#ifdef ARDUINO
#include <Arduino.h>
#define SAY Serial.print
static unsigned long now_us()
{
  return micros();
}
#else
#include <chrono>
#include <iostream>
template <typename Value> static void SAY(Value value)
{
  std::cout << value;
}
static unsigned long now_us()
{
  using std::chrono::microseconds;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<unsigned long>(std::chrono::duration_cast<microseconds>(now).count());
}
#endif

@{outputs_declared}
static int right = 0;
@{print_say}
static bool run_example(int example)
{
  const unsigned long start = now_us();
  @{name}_run(@{example_call});
  const unsigned long elapsed = now_us() - start;
@{if several}
  const bool exact = @{name}_example_is_exact(example, @{output_names}) != 0;
  right += exact ? 1 : 0;
  SAY("@{name}: example ");
  SAY(example);
  SAY(exact ? ": exact, " : ": bytes differ, ");
  SAY(elapsed);
  SAY(" us\n");
  @{name}_print_outputs(example, @{output_names}, print_text);
@{else}
  const int found = @{name}_best_class(output);
  const int label = @{name}_example_labels[example];
  const bool exact = @{name}_example_is_exact(example, output) != 0;
  right += found == label ? 1 : 0;
  SAY("@{name}: example ");
  SAY(example);
  SAY(": class ");
  SAY(@{name}_class_text(found));
  SAY(", label ");
  SAY(@{name}_class_text(label));
  SAY(found == label ? ": right, " : ": wrong, ");
  SAY(elapsed);
  SAY(exact ? " us\n" : " us, bytes differ\n");
@{end}
  return exact;
}

static bool run_all()
{
  const int code = @{name}_self_test();
  bool passed = code == 0;
  SAY("@{name}: self-test ");
  if (passed) {
    SAY("passed\n");
  } else {
    SAY("failed at check ");
    SAY(code);
    SAY("\n");
  }
@{reset}  for (int example = 0; example < @{NAME}_EXAMPLE_COUNT; ++example) {
    passed = run_example(example) && passed;
  }
  SAY("@{name}: ");
  SAY(right);
  SAY(" of ");
  SAY(@{NAME}_EXAMPLE_COUNT);
  SAY(" @{verdict}\n");
  SAY(passed ? "@{name}: PASSED\n" : "@{name}: FAILED\n");
@{dump_calls}  return passed;
}

#ifdef ARDUINO
void setup()
{
  Serial.begin(115200);
  while (!Serial && millis() < 5000) {
    /* boards with USB of their own wait for the monitor, but not for ever */
  }
  run_all();
}

void loop()
{
}
#else
int main()
{
  return run_all() ? 0 : 1;
}
#endif
