/* Runs the self-test of @{name}, then classifies the examples and prints what came out. */
#include <stdbool.h>
#include <stdint.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "@{name}.h"
#include "@{name}_examples.h"

static @{result} output[@{NAME}_OUTPUT_SIZE];
@{dump_printk}
int main(void)
{
	const int code = @{name}_self_test();
	bool passed = code == 0;
	int right = 0;

	if (passed) {
		printk("@{name}: self-test passed\n");
	} else {
		printk("@{name}: self-test failed at check %d\n", code);
	}
@{reset_tabs}	for (int example = 0; example < @{NAME}_EXAMPLE_COUNT; ++example) {
		const uint32_t start = k_cycle_get_32();
		@{name}_run(@{name}_example_inputs[example], output);
		const uint32_t cycles = k_cycle_get_32() - start;
		const int found = @{name}_best_class(output);
		const int label = @{name}_example_labels[example];
		const bool exact = @{name}_example_is_exact(example, output) != 0;

		right += found == label ? 1 : 0;
		passed = passed && exact;
		printk("@{name}: example %d: class %s, label %s: %s, %u us%s\n", example,
		       @{name}_class_text(found), @{name}_class_text(label),
		       found == label ? "right" : "wrong", (unsigned int)k_cyc_to_us_floor32(cycles),
		       exact ? "" : ", bytes differ");
	}
	printk("@{name}: %d of %d right\n", right, @{NAME}_EXAMPLE_COUNT);
	printk("@{name}: %s\n", passed ? "PASSED" : "FAILED");
@{dump_calls_tabs}	return 0;
}
