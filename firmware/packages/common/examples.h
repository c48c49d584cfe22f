/* Examples of @{name}: inputs with the outputs and classes that they should give. Nothing here is
 * needed to use the net.
 * @{labels_are}
 */
#ifndef @{NAME}_EXAMPLES_H
#define @{NAME}_EXAMPLES_H

#include <limits.h>

#include "@{name}.h"

#if INT_MAX < 2147483647
#error "the kernels need an int of 32 bits; choose a 32-bit board"
#endif

#define @{NAME}_EXAMPLE_COUNT @{count}

#ifdef __cplusplus
extern "C" {
#endif

extern const @{entry} @{name}_example_inputs[@{NAME}_EXAMPLE_COUNT][@{NAME}_INPUT_SIZE];
extern const int @{name}_example_labels[@{NAME}_EXAMPLE_COUNT];

/* Returns @{best_is}. */
int @{name}_best_class(const @{result} output[@{NAME}_OUTPUT_SIZE]);

/* Returns a class's number, and its name where it has one. */
const char *@{name}_class_text(int index);

/* Returns 1 when an example's output is, byte for byte, the one that it should be. */
int @{name}_example_is_exact(int example, const @{result} output[@{NAME}_OUTPUT_SIZE]);

#ifdef __cplusplus
}
#endif

#endif
