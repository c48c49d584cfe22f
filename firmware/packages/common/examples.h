@{if several}
/* Examples of @{name}: inputs with the outputs that they should give. Nothing here is needed to use
 * the net.
@{else}
/* Examples of @{name}: inputs with the outputs and classes that they should give. Nothing here is
 * needed to use the net.
@{end}
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

@{example_inputs_declared}
@{if several}

/* Prints an example's outputs by `put`: a line of each, with its first @{printed_values} values. */
void @{name}_print_outputs(int example, @{output_parameters}, void (*put)(const char *text));

/* Returns 1 when all of an example's outputs are, byte for byte, what they should be. */
@{else}
extern const int @{name}_example_labels[@{NAME}_EXAMPLE_COUNT];

/* Returns @{best_is}. */
int @{name}_best_class(@{output_parameters});

/* Returns a class's number, and its name where it has one. */
const char *@{name}_class_text(int index);

/* Returns 1 when an example's output is, byte for byte, the one that it should be. */
@{end}
int @{name}_example_is_exact(int example, @{output_parameters});

#ifdef __cplusplus
}
#endif

#endif
