/* What Rust calls of @{name}: the header's functions with names to link to, and a run that copies
 * the input in and the output out.
 */
#include <string.h>

#include "@{name}.h"

/* Rust has this many bytes; which of the programs there are was chosen here. */
typedef char @{name}_rust_arena_fits[@{NAME}_ARENA_SIZE <= @{arena_size} ? 1 : -1];

void @{name}_rust_run(int8_t *arena, int8_t *state, @{c_parameters});

void @{name}_rust_run(int8_t *arena, int8_t *state, @{c_parameters})
{
@{copied_in}
@{run_in}
@{copied_out}
}
@{exported}
