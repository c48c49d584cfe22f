/* Runs the self-test of @{name}, then @{does} the examples and prints what came out. */
#include <stdbool.h>
#include <stdint.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "@{name}.h"
#include "@{name}_examples.h"

@{outputs_declared}
@{print_printk}
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
		@{name}_run(@{example_call});
		const uint32_t cycles = k_cycle_get_32() - start;
@{if several}
		const bool exact = @{name}_example_is_exact(example, @{output_names}) != 0;

		right += exact ? 1 : 0;
		passed = passed && exact;
		printk("@{name}: example %d: %s, %u us\n", example,
		       exact ? "exact" : "bytes differ",
		       (unsigned int)k_cyc_to_us_floor32(cycles));
		@{name}_print_outputs(example, @{output_names}, print_text);
@{else}
		const int found = @{name}_best_class(output);
		const int label = @{name}_example_labels[example];
		const bool exact = @{name}_example_is_exact(example, output) != 0;

		right += found == label ? 1 : 0;
		passed = passed && exact;
		printk("@{name}: example %d: class %s, label %s: %s, %u us%s\n", example,
		       @{name}_class_text(found), @{name}_class_text(label),
		       found == label ? "right" : "wrong", (unsigned int)k_cyc_to_us_floor32(cycles),
		       exact ? "" : ", bytes differ");
@{end}
	}
	printk("@{name}: %d of %d @{verdict}\n", right, @{NAME}_EXAMPLE_COUNT);
	printk("@{name}: %s\n", passed ? "PASSED" : "FAILED");
@{dump_calls_tabs}	return 0;
}
