/* Runs the self-test of @{name}, then @{does} the examples and prints what came out; ends
 * with 0 if all is right. */
#include <stdio.h>
#include <time.h>

#include "@{name}.h"
#include "@{name}_examples.h"

@{outputs_declared}
@{print_stdio}
int main(void)
{
  const int code = @{name}_self_test();
  int passed = code == 0;
  int right = 0;
  if (passed) {
    printf("@{name}: self-test passed\n");
  } else {
    printf("@{name}: self-test failed at check %d\n", code);
  }
@{reset}  for (int example = 0; example < @{NAME}_EXAMPLE_COUNT; ++example) {
    const clock_t start = clock();
    @{name}_run(@{example_call});
    const double elapsed = (double)(clock() - start) * 1e6 / (double)CLOCKS_PER_SEC;
@{if several}
    const int exact = @{name}_example_is_exact(example, @{output_names});
    right += exact;
    passed = passed && exact;
    printf("@{name}: example %d: %s, %.0f us\n", example, exact ? "exact" : "bytes differ",
           elapsed);
    @{name}_print_outputs(example, @{output_names}, print_text);
@{else}
    const int found = @{name}_best_class(output);
    const int label = @{name}_example_labels[example];
    const int exact = @{name}_example_is_exact(example, output);
    right += found == label ? 1 : 0;
    passed = passed && exact;
    printf("@{name}: example %d: class %s, label %s: %s, %.0f us%s\n", example,
           @{name}_class_text(found), @{name}_class_text(label), found == label ? "right" : "wrong",
           elapsed, exact ? "" : ", bytes differ");
@{end}
  }
  printf("@{name}: %d of %d @{verdict}\n", right, @{NAME}_EXAMPLE_COUNT);
  printf("@{name}: %s\n", passed ? "PASSED" : "FAILED");
@{dump_calls}  return passed ? 0 : 1;
}
