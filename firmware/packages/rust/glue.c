/* What Rust calls of @{name}: the header's functions with names to link to, and a run that copies
 * the input in and the output out.
 */
#include <string.h>

#include "@{name}.h"

/* Rust has this many bytes; which of the programs there are was chosen here. */
typedef char @{name}_rust_arena_fits[@{NAME}_ARENA_SIZE <= @{arena_size} ? 1 : -1];

void @{name}_rust_run(int8_t *arena, int8_t *state, const @{entry} *input, @{result} *output);

void @{name}_rust_run(int8_t *arena, int8_t *state, const @{entry} *input, @{result} *output)
{
  memcpy(arena + @{NAME}_INPUT_OFFSET, input, sizeof(@{entry}) * @{NAME}_INPUT_SIZE);
@{run_in}
  memcpy(output, arena + @{NAME}_OUTPUT_OFFSET, sizeof(@{result}) * @{NAME}_OUTPUT_SIZE);
}
@{exported}
