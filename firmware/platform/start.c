/* What every core does before main: sections, and the stack's high-water mark. */
#include "platform.h"

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[];

#define STACK_PATTERN 0x5afec0deu

void memory_start(void)
{
  const uint32_t *from = data_load;
  for (uint32_t *to = data_start; to < data_end; ++to) *to = *from++;
  for (uint32_t *to = bss_start; to < bss_end; ++to) *to = 0;
}

void stack_paint(void)
{
  volatile uint32_t here = 0;
  /* Well below this function's own frame nothing is in use yet. */
  const uintptr_t end = (uintptr_t)&here - 64;
  for (volatile uint32_t *word = stack_limit; (uintptr_t)word < end; ++word) *word = STACK_PATTERN;
}

uint32_t stack_size(void)
{
  return (uint32_t)((uintptr_t)stack_top - (uintptr_t)stack_limit);
}

uint32_t stack_used(void)
{
  const volatile uint32_t *word = stack_limit;
  while (word < stack_top && *word == STACK_PATTERN) ++word;
  return (uint32_t)((uintptr_t)stack_top - (uintptr_t)word);
}
