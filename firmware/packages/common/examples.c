/* See @{name}_examples.h. */
#include "@{name}_examples.h"

#include <string.h>

@{example_inputs}
@{if several}
@{example_outputs}
/* Prints a number in decimal. */
static void put_number(void (*put)(const char *text), uint32_t number)
{
  char text[11];
  char *first = text + sizeof text - 1;
  *first = 0;
  do {
    *--first = (char)('0' + number % 10u);
    number /= 10u;
  } while (number != 0);
  put(first);
}

@{if integers}
static void put_integer(void (*put)(const char *text), int32_t value)
{
  put(value < 0 ? " -" : " ");
  put_number(put, value < 0 ? 0u - (uint32_t)value : (uint32_t)value);
}

@{end}
@{if reals}
/* Prints a float in thousandths, the rest cut off. */
static void put_real(void (*put)(const char *text), float value)
{
  if (!(value > -@{most_real}.0f && value < @{most_real}.0f)) {
    put(" large");
    return;
  }
  const int32_t thousandths = (int32_t)(value * 1000.0f);
  const uint32_t size = thousandths < 0 ? 0u - (uint32_t)thousandths : (uint32_t)thousandths;
  put(thousandths < 0 ? " -" : " ");
  put_number(put, size / 1000u);
  put(size % 1000u < 10u ? ".00" : size % 1000u < 100u ? ".0" : ".");
  put_number(put, size % 1000u);
}

@{end}
static void begin_output(void (*put)(const char *text), int example, const char *name)
{
  put("@{name}: example ");
  put_number(put, (uint32_t)example);
  put(": ");
  put(name);
  put(":");
}

static void end_output(void (*put)(const char *text), uint32_t more)
{
  if (more > 0) {
    put(" and ");
    put_number(put, more);
    put(" more");
  }
  put("\n");
}

void @{name}_print_outputs(int example, @{output_parameters}, void (*put)(const char *text))
{
@{put_outputs}
}
@{else}
const int @{name}_example_labels[@{NAME}_EXAMPLE_COUNT] = {@{labels}};

@{example_outputs}
static const char *const class_texts[@{class_count}] = {
@{class_names}
};

int @{name}_best_class(@{output_parameters})
{
@{best_class}
}

const char *@{name}_class_text(int index)
{
  return class_texts[index];
}
@{end}

int @{name}_example_is_exact(int example, @{output_parameters})
{
  return @{outputs_are_equal};
}
