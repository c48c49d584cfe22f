#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

uint32_t k_cycle_get_32(void)
{
  return (uint32_t)clock();
}

uint32_t k_cyc_to_us_floor32(uint32_t cycles)
{
  return cycles;
}

void printk(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
}
