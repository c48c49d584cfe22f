/* See @{name}_examples.h. */
#include "@{name}_examples.h"

#include <string.h>

const @{entry} @{name}_example_inputs[@{NAME}_EXAMPLE_COUNT][@{NAME}_INPUT_SIZE] = {
@{inputs}
};

const int @{name}_example_labels[@{NAME}_EXAMPLE_COUNT] = {@{labels}};

static const @{result} example_outputs[@{NAME}_EXAMPLE_COUNT][@{NAME}_OUTPUT_SIZE] = {
@{outputs}
};

static const char *const class_texts[@{class_count}] = {
@{class_names}
};

int @{name}_best_class(const @{result} output[@{NAME}_OUTPUT_SIZE])
{
@{best_class}
}

const char *@{name}_class_text(int index)
{
  return class_texts[index];
}

int @{name}_example_is_exact(int example, const @{result} output[@{NAME}_OUTPUT_SIZE])
{
  return memcmp(output, example_outputs[example], sizeof example_outputs[example]) == 0;
}
