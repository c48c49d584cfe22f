/* Runs the self-test of @{name}, then @{does} the examples, and prints what came out at
 * 115200 baud. */
#include <@{name}.h>
#include <@{name}_examples.h>

@{outputs_declared}
static int right = 0;
static bool all_exact = true;
@{print_serial}
static void print_name()
{
  Serial.print(F("@{name}: "));
}

static void run_example(int example)
{
  const unsigned long start = micros();
  @{name}_run(@{example_call});
  const unsigned long elapsed = micros() - start;
@{if several}
  const bool exact = @{name}_example_is_exact(example, @{output_names}) != 0;
  right += exact ? 1 : 0;
  all_exact = all_exact && exact;
@{else}
  const int found = @{name}_best_class(output);
  const int label = @{name}_example_labels[example];
  const bool exact = @{name}_example_is_exact(example, output) != 0;
  right += found == label ? 1 : 0;
  all_exact = all_exact && exact;
@{end}
  print_name();
  Serial.print(F("example "));
  Serial.print(example);
@{if several}
  Serial.print(exact ? F(": exact, ") : F(": bytes differ, "));
  Serial.print(elapsed);
  Serial.println(F(" us"));
  @{name}_print_outputs(example, @{output_names}, print_text);
@{else}
  Serial.print(F(": class "));
  Serial.print(@{name}_class_text(found));
  Serial.print(F(", label "));
  Serial.print(@{name}_class_text(label));
  Serial.print(found == label ? F(": right, ") : F(": wrong, "));
  Serial.print(elapsed);
  Serial.println(exact ? F(" us") : F(" us, bytes differ"));
@{end}
}

void setup()
{
  Serial.begin(115200);
  while (!Serial && millis() < 5000) {
    /* boards with USB of their own wait for the monitor, but not for ever */
  }
  const int code = @{name}_self_test();
  print_name();
  if (code == 0) {
    Serial.println(F("self-test passed"));
  } else {
    Serial.print(F("self-test failed at check "));
    Serial.println(code);
  }
@{reset}  for (int example = 0; example < @{NAME}_EXAMPLE_COUNT; ++example) {
    run_example(example);
  }
  print_name();
  Serial.print(right);
  Serial.print(F(" of "));
  Serial.print(@{NAME}_EXAMPLE_COUNT);
  Serial.println(F(" @{verdict}"));
  print_name();
  Serial.println(code == 0 && all_exact ? F("PASSED") : F("FAILED"));
@{dump_calls}}

void loop()
{
}
