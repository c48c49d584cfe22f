/* Runs the self-test of @{name}, then @{does} the examples and prints what came out. SysTick,
 * which every Cortex-M with a CMSIS device header has, counts the core's cycles.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "RTE_Components.h"
#include CMSIS_device_header

#include "@{name}.h"
#include "@{name}_examples.h"

#define SYSTICK_PERIOD 0x1000000u /* what its 24 bits can count */

static volatile uint32_t overflows;
@{outputs_declared}
@{print_stdio}
void SysTick_Handler(void);

void SysTick_Handler(void)
{
  ++overflows;
}

/* Cycles since SysTick was started, modulo 2^32; read again when it overflowed in between. */
static uint32_t cycles(void)
{
  uint32_t before;
  uint32_t counted;
  do {
    before = overflows;
    counted = SYSTICK_PERIOD - 1u - SysTick->VAL;
  } while (before != overflows);
  return before * SYSTICK_PERIOD + counted;
}

static bool run_example(int example)
{
  const uint32_t start = cycles();
  @{name}_run(@{example_call});
  const uint32_t elapsed = cycles() - start;
  const uint64_t millions = (uint64_t)elapsed * 1000000u;
  const unsigned long microseconds = (unsigned long)(millions / SystemCoreClock);
@{if several}
  const bool exact = @{name}_example_is_exact(example, @{output_names}) != 0;
  printf("@{name}: example %d: %s, %lu us\n", example, exact ? "exact" : "bytes differ",
         microseconds);
  @{name}_print_outputs(example, @{output_names}, print_text);
@{else}
  const int found = @{name}_best_class(output);
  const int label = @{name}_example_labels[example];
  const bool exact = @{name}_example_is_exact(example, output) != 0;
  printf("@{name}: example %d: class %s, label %s: %s, %lu us%s\n", example,
         @{name}_class_text(found), @{name}_class_text(label), found == label ? "right" : "wrong",
         microseconds, exact ? "" : ", bytes differ");
@{end}
  return exact;
}

int main(void)
{
  SystemCoreClockUpdate();
  (void)SysTick_Config(SYSTICK_PERIOD);
  const int code = @{name}_self_test();
  bool passed = code == 0;
  int right = 0;
  if (passed) {
    printf("@{name}: self-test passed\n");
  } else {
    printf("@{name}: self-test failed at check %d\n", code);
  }
@{reset}  for (int example = 0; example < @{NAME}_EXAMPLE_COUNT; ++example) {
@{if several}
    const bool exact = run_example(example);
    passed = exact && passed;
    right += exact ? 1 : 0;
@{else}
    passed = run_example(example) && passed;
    right += @{name}_best_class(output) == @{name}_example_labels[example] ? 1 : 0;
@{end}
  }
  printf("@{name}: %d of %d @{verdict}\n", right, @{NAME}_EXAMPLE_COUNT);
  printf("@{name}: %s\n", passed ? "PASSED" : "FAILED");
@{dump_calls}  for (;;) {
  }
}
