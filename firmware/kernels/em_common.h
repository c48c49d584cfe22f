/* Shared by all kernels: how they are inlined, and the requantisation. Rounding is defined here and
 * nowhere else in C.
 *
 * Right shifts of negative integers are arithmetic in every compiler that edgemnist names;
 * generated code relies on it.
 */
#ifndef EM_COMMON_H
#define EM_COMMON_H

#include <stdint.h>
#include <string.h>

/* A size of a layer: pixels, channels, strides. 16 bits hold those of nearly all networks, so that
 * their parameters take half the flash; a network with a larger one asks for EM_WIDE_SIZES.
 */
#ifdef EM_WIDE_SIZES
typedef int32_t em_size;
#else
typedef int16_t em_size;
#endif

/* Fast by itself, whatever the build's optimisation: IDEs build with -Os or without any, where this
 * code would be slower by 3 or 18 times. gcc is told here; clang, and what is made of it, can't be,
 * nor gcc for the registers that it leaves alone on the smallest cores. They say so: build this
 * file with -O2, or define EM_KEEP_OPTIMISATION, with which nothing is told or said.
 * EM_OPTIMISE_SIZE asks for the least code instead.
 */
#if defined(EM_OPTIMISE_SIZE)
#define EM_SIZE 1
#else
#define EM_SIZE 0
#endif
#if defined(__OPTIMIZE_SIZE__)
#define EM_BUILT_FOR_SIZE 1
#else
#define EM_BUILT_FOR_SIZE 0
#endif
#if !defined(EM_KEEP_OPTIMISATION)
#if defined(__clang__) && !defined(__OPTIMIZE__)
#pragma message( \
    "this network is built without optimisation and many times slower for it: " \
    "build this file with -O2")
#elif !EM_SIZE && EM_BUILT_FOR_SIZE && \
    (defined(__clang__) || (defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1))
#pragma message( \
    "this network is built for size and slower for it: " \
    "build this file with -O2, or define EM_OPTIMISE_SIZE")
#endif
#if defined(__GNUC__) && !defined(__clang__)
#if EM_SIZE
#pragma GCC optimize("Os")
#else
#pragma GCC optimize("O2")
#endif
#endif
#endif

/* EM_INLINE is always part of its caller. EM_KERNEL is a whole operator and EM_PART a piece that
 * several share: with EM_SIZE there is one copy of each, which reads the layer's sizes at run time;
 * else there is one per layer, whose sizes are constants, so that loops unroll and dead branches
 * go. EM_STEP is one layer: a function of its own, so that a symbol table, a profiler and a
 * debugger know the layers; its callers are told nothing of it, since gcc 12 was seen to take one
 * whose pointers step together for a function without effects, and to leave the call out.
 */
#if defined(__GNUC__)
#define EM_INLINE static inline __attribute__((always_inline, unused))
#if defined(__clang__)
#define EM_STEP static __attribute__((noinline))
#elif __GNUC__ >= 8
/* else gcc 12 leaves out some that it vectorised */
#define EM_STEP static __attribute__((noinline, noclone, noipa))
#else
#define EM_STEP static __attribute__((noinline, noclone))
#endif
#if EM_SIZE
#define EM_KERNEL static __attribute__((noinline, unused))
#define EM_PART static __attribute__((noinline, unused))
#else
#define EM_KERNEL EM_INLINE
#define EM_PART EM_INLINE
#endif
#else
#define EM_INLINE static inline
#define EM_STEP static
#define EM_KERNEL static inline
#define EM_PART static inline
#endif

#if defined(__GNUC__) && !defined(__clang__) && !EM_SIZE
#define EM_UNROLL(count) EM_PRAGMA(GCC unroll count)
#define EM_PRAGMA(text) _Pragma(#text)
#else
#define EM_UNROLL(count)
#endif

/* Before a loop that is not to be unrolled: clang would make much code of little gain. */
#if defined(__clang__)
#define EM_ROLLED _Pragma("clang loop unroll(disable)")
#else
#define EM_ROLLED
#endif

/* memcpy of a few bytes, which is a load or a store: without the library's headers compilers make a
 * call of it. */
#if defined(__GNUC__)
#define EM_COPY(to, from, size) __builtin_memcpy(to, from, size)
#define EM_ALIGNED(pointer, bytes) __builtin_assume_aligned(pointer, bytes)
#else
#define EM_COPY(to, from, size) memcpy(to, from, size)
#define EM_ALIGNED(pointer, bytes) (pointer)
#endif

/* A function that is nothing but its text of assembly, of which callers know no more than its type.
 * It starts at a multiple of 4, from which ADR counts; with optimisation for size others need not.
 */
#if defined(__clang__)
#define EM_NAKED static __attribute__((naked, noinline, aligned(4), unused))
#elif defined(__GNUC__) && __GNUC__ >= 8
#define EM_NAKED static __attribute__((naked, noinline, noipa, aligned(4), unused))
#elif defined(__GNUC__)
#define EM_NAKED static __attribute__((naked, noinline, noclone, aligned(4), unused))
#endif
#if defined(__GNUC__)
#define EM_UNUSED __attribute__((unused)) /* of an argument that only the assembly takes */
#endif

/* Of a constant that is read in words. */
#if defined(__GNUC__)
#define EM_WORD_ALIGNED __attribute__((aligned(4)))
#else
#define EM_WORD_ALIGNED
#endif

/* Cores with the instructions of the Armv7E-M DSP extension: Cortex-M4, M7, M33 and M55. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define EM_DSP 1
#else
#define EM_DSP 0
#endif

/* gcc adds a constant by an instruction of its own; what it doesn't know is added together with a
 * shift. */
#if EM_DSP && !defined(__clang__) && !EM_SIZE
#define EM_IN_REGISTER(value) __asm__("" : "+r"(value))
#else
#define EM_IN_REGISTER(value) (void)0
#endif

/* Cores with SSAT, which gcc takes with that extension only: those and Cortex-M3. */
#if defined(__GNUC__) && defined(__ARM_FEATURE_SAT) && defined(__thumb2__)
#define EM_SATURATES 1
#else
#define EM_SATURATES 0
#endif

/* Cores with hardly more than the 16-bit instructions: Cortex-M0, M0+ and M23. In a build for size
 * compilers leave half of the registers alone, whatever they are told here; without optimisation
 * they need more of them than there are; so does gcc with -fno-omit-frame-pointer: there, define
 * EM_THUMB1 as 0.
 */
#ifndef EM_THUMB1
#if defined(__GNUC__) && defined(__OPTIMIZE__) && !EM_SIZE && !EM_BUILT_FOR_SIZE && \
    defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
#define EM_THUMB1 1
#else
#define EM_THUMB1 0
#endif
#endif

/* Clang can't put a value that lies in one of the upper registers on the stack: this ends how long
 * it has to lie there. */
#if EM_THUMB1 && defined(__clang__)
#define EM_LOWER_REGISTER(value) __asm__("" : "+l"(value))
#else
#define EM_LOWER_REGISTER(value)
#endif

/* What each output channel needs beside its weights. `bias` has the input zero point folded in:
 * bias - zero_point * sum(w). */
typedef struct {
  int32_t bias;
  int32_t multiplier; /* Q31 */
} em_channel;

EM_INLINE int32_t em_max(int32_t a, int32_t b)
{
  return a > b ? a : b;
}

/* Returns `value` limited to [low, high]. */
EM_INLINE int32_t em_clamp(int32_t value, int32_t low, int32_t high)
{
#if EM_DSP && !EM_SIZE
  const int whole = low == -128 && high == 127; /* known when the code is compiled */
#elif EM_SATURATES && !EM_SIZE && !defined(__clang__)
  const int whole = __builtin_constant_p(low == high) && low == -128 && high == 127;
#else
  const int whole = 0; /* clang finds SSAT by itself */
#endif
#if EM_SATURATES
  if (whole) {
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
    return result;
  }
#endif
#if defined(__riscv) && defined(__GNUC__) && !EM_SIZE
  /* one branch, and no limit in a register */
  if (__builtin_constant_p(low == high) && low == -128 && high == 127) {
    return (uint32_t)value + 128 < 256 ? value : value >> 31 ^ 127;
  }
#endif
  (void)whole;
  value = value < low ? low : value;
  return value > high ? high : value;
}

/* Returns start + round(a * b / 2^32), ties up, for 0 <= b. */
#if EM_DSP
EM_INLINE int32_t em_multiply_high(int32_t start, int32_t a, int32_t b)
{
  int32_t result;
  __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(start));
  return result;
}
#elif EM_THUMB1 && !defined(__clang__)
/* No 64-bit product there: from 16-bit halves, of which no sum of two products overflows. The last
 * shift's carry is what is to be rounded up.
 */
EM_INLINE int32_t em_multiply_high(int32_t start, int32_t a, int32_t b)
{
  const int32_t b_low = b & 65535, b_high = b >> 16;
  int32_t a_low, middle, product;
  __asm__(".syntax unified\n\t"
          "uxth %[a_low], %[a]\n\t"
          "asrs %[a], %[a], #16\n\t"
          "mov %[middle], %[b_low]\n\t"
          "muls %[middle], %[a_low], %[middle]\n\t"
          "lsrs %[middle], %[middle], #16\n\t"
          "mov %[product], %[b_low]\n\t"
          "muls %[product], %[a], %[product]\n\t"
          "adds %[middle], %[middle], %[product]\n\t"
          "mov %[product], %[b_high]\n\t"
          "muls %[a], %[product], %[a]\n\t"
          "adds %[start], %[start], %[a]\n\t"
          "asrs %[a], %[middle], #16\n\t"
          "adds %[start], %[start], %[a]\n\t"
          "uxth %[middle], %[middle]\n\t"
          "muls %[a_low], %[product], %[a_low]\n\t"
          "adds %[a_low], %[a_low], %[middle]\n\t"
          "lsrs %[a_low], %[a_low], #16\n\t"
          "adcs %[start], %[a_low]"
          : [start] "+&l"(start), [a] "+&l"(a), [a_low] "=&l"(a_low), [middle] "=&l"(middle),
            [product] "=&l"(product)
          : [b_low] "h"(b_low), [b_high] "h"(b_high)
          : "cc");
  return start;
}
#elif defined(__ARM_ARCH_ISA_THUMB) && __ARM_ARCH_ISA_THUMB == 1
EM_INLINE int32_t em_multiply_high(int32_t start, int32_t a, int32_t b)
{
  const uint32_t a_low = (uint32_t)a & 65535, b_low = (uint32_t)b & 65535;
  const int32_t a_high = a >> 16, b_high = b >> 16;
  const int32_t middle = a_high * (int32_t)b_low + (int32_t)(a_low * b_low >> 16);
  const uint32_t rest = a_low * (uint32_t)b_high + ((uint32_t)middle & 65535) + 32768;
  return start + a_high * b_high + (middle >> 16) + (int32_t)(rest >> 16);
}
#elif defined(__riscv) && __riscv_xlen == 32
/* What is to be rounded up is the lower half's highest bit; compilers add to the whole product and
 * compare for the carry. */
EM_INLINE int32_t em_multiply_high(int32_t start, int32_t a, int32_t b)
{
  const int64_t product = (int64_t)a * b;
  return start + (int32_t)(product >> 32) + (int32_t)((uint32_t)product >> 31);
}
#else
EM_INLINE int32_t em_multiply_high(int32_t start, int32_t a, int32_t b)
{
  return (int32_t)(((int64_t)start * 4294967296 + 2147483648 + (int64_t)a * b) >> 32);
}
#endif

/* Returns zero_point + round(round(accumulator * multiplier / 2^31) / 2^shift), the inner rounding
 * with ties up and the outer one with ties away from zero: gemmlowp's
 * SaturatingRoundingDoublingHighMul and RoundingDivideByPOT in one 32 x 32 + 64 bit
 * multiply-accumulate.
 *
 * Needs |accumulator| < 2^30, 0 <= multiplier, 1 <= shift <= 30, `unit` = 2 * zero_point + 1, and
 * |zero_point| * 2^shift + 2^(shift - 1) + |product| + 1 < 2^31; the generator proves this for
 * every channel.
 */
EM_INLINE int32_t em_requantise(int32_t accumulator, int32_t multiplier, int32_t unit, int shift)
{
  const int32_t rounding = (int32_t)((uint32_t)unit << (shift - 1));
  return em_multiply_high(rounding + (accumulator >> 31), accumulator * 2, multiplier) >> shift;
}

/* The same of twice the accumulator. Where only the accumulator is there, its own sign is taken an
 * instruction sooner. */
EM_INLINE int32_t em_requantise_twice(int32_t twice, int32_t multiplier, int32_t unit, int shift)
{
  int32_t rounding = (int32_t)((uint32_t)unit << (shift - 1));
  EM_IN_REGISTER(rounding);
  return em_multiply_high(rounding + (twice >> 31), twice, multiplier) >> shift;
}

/* The same without preconditions: any int32 accumulator, exponent -31..30, result before the zero
 * point is added. */
EM_INLINE int32_t em_multiply_any(int32_t value, int32_t multiplier, int exponent)
{
  const int right = exponent > 0 ? 0 : -exponent;
  const int32_t shifted = (int32_t)((uint32_t)value << (exponent > 0 ? exponent : 0));
  const int32_t high = (int32_t)(((int64_t)shifted * multiplier + 1073741824) >> 31);
  const int32_t mask = (int32_t)(((int64_t)1 << right) - 1);
  const int32_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return (high >> right) + ((high & mask) > threshold ? 1 : 0);
}

/* value * multiplier * 2^(exponent - 31), rounded once with ties up (TensorFlow's reference
 * FULLY_CONNECTED). */
EM_INLINE int32_t em_multiply_once(int32_t value, int32_t multiplier, int exponent)
{
  const int total = 31 - exponent;
  return (int32_t)(((int64_t)value * multiplier + ((int64_t)1 << (total - 1))) >> total);
}

/* The mean of `sum` over `count` elements, rounded to nearest, ties away from zero. */
EM_INLINE int32_t em_rounded_mean(int32_t sum, int32_t count)
{
  return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

/* round(value * multiplier / 2^shift), ties up, for sums of 64 bits and a multiplier of 15 bits:
 * TFLite's MultiplyByQuantizedMultiplier for int64. Needs 1 <= shift <= 62, |value| * multiplier +
 * 2^(shift - 1) < 2^63 and a result of 32 bits.
 */
EM_INLINE int32_t em_multiply_short(int64_t value, int32_t multiplier, int shift)
{
  return (int32_t)((value * multiplier + ((int64_t)1 << (shift - 1))) >> shift);
}

/* How one layer turns accumulators into outputs. */
typedef struct {
  int16_t zero_point;
  int16_t minimum; /* fused activation, already in the output's quantisation */
  int16_t maximum;
} em_output;

/* EM_ROUND_STEP: by a step function, see em_step.h. */
enum { EM_ROUND_FAST = 0, EM_ROUND_ANY = 1, EM_ROUND_ONCE = 2, EM_ROUND_STEP = 3 };

/* Accumulator to int8 output. `shift` is a right shift for EM_ROUND_FAST and an exponent for the
 * other two. */
EM_INLINE int8_t em_finish(int32_t accumulator, int32_t multiplier, int shift,
                           const em_output *output, const int rounding)
{
  int32_t value;
  if (rounding == EM_ROUND_FAST) {
    value = em_requantise(accumulator, multiplier, 2 * output->zero_point + 1, shift);
  } else if (rounding == EM_ROUND_ANY) {
    value = em_multiply_any(accumulator, multiplier, shift) + output->zero_point;
  } else {
    value = em_multiply_once(accumulator, multiplier, shift) + output->zero_point;
  }
  return (int8_t)em_clamp(value, output->minimum, output->maximum);
}

/* The same of twice the accumulator, for EM_ROUND_FAST. */
EM_INLINE int8_t em_finish_twice(int32_t twice, int32_t multiplier, int shift,
                                 const em_output *output)
{
  const int32_t value = em_requantise_twice(twice, multiplier, 2 * output->zero_point + 1, shift);
  return (int8_t)em_clamp(value, output->minimum, output->maximum);
}

#endif
