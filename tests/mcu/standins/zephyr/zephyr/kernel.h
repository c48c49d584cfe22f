#ifndef ZEPHYR_KERNEL_H
#define ZEPHYR_KERNEL_H
#include <stdint.h>
uint32_t k_cycle_get_32(void);
uint32_t k_cyc_to_us_floor32(uint32_t cycles);
#endif
