/* Runs the self-test of @{name}, then @{does} the examples and prints what came out. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "@{name}.h"
#include "@{name}_examples.h"
#include "esp_timer.h"

@{outputs_declared}
@{print_stdio}
void app_main(void);

void app_main(void)
{
  const int code = @{name}_self_test();
  bool passed = code == 0;
  int right = 0;
  if (passed) {
    printf("@{name}: self-test passed\n");
  } else {
    printf("@{name}: self-test failed at check %d\n", code);
  }
@{reset}  for (int example = 0; example < @{NAME}_EXAMPLE_COUNT; ++example) {
    const int64_t start = esp_timer_get_time();
    @{name}_run(@{example_call});
    const unsigned long elapsed = (unsigned long)(esp_timer_get_time() - start);
@{if several}
    const bool exact = @{name}_example_is_exact(example, @{output_names}) != 0;
    right += exact ? 1 : 0;
    passed = passed && exact;
    printf("@{name}: example %d: %s, %lu us\n", example, exact ? "exact" : "bytes differ", elapsed);
    @{name}_print_outputs(example, @{output_names}, print_text);
@{else}
    const int found = @{name}_best_class(output);
    const int label = @{name}_example_labels[example];
    const bool exact = @{name}_example_is_exact(example, output) != 0;
    right += found == label ? 1 : 0;
    passed = passed && exact;
    printf("@{name}: example %d: class %s, label %s: %s, %lu us%s\n", example,
           @{name}_class_text(found), @{name}_class_text(label), found == label ? "right" : "wrong",
           elapsed, exact ? "" : ", bytes differ");
@{end}
  }
  printf("@{name}: %d of %d @{verdict}\n", right, @{NAME}_EXAMPLE_COUNT);
  printf("@{name}: %s\n", passed ? "PASSED" : "FAILED");
@{dump_calls}}
