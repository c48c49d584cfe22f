/* Entry and return of functions that are nothing but assembly, on cores where PUSH and POP take
 * only r0 to r7: the caller's r4 to r11 are kept on the stack.
 */
#ifndef EM_REGISTERS_THUMB1_H
#define EM_REGISTERS_THUMB1_H

#define EM_PUSH_REGISTERS \
  "push {r4-r7, lr}\n\t"  \
  "mov r4, r8\n\t"        \
  "mov r5, r9\n\t"        \
  "mov r6, r10\n\t"       \
  "mov r7, r11\n\t"       \
  "push {r4-r7}\n\t"
#define EM_SET_HIGH_REGISTERS \
  "mov r8, r4\n\t"            \
  "mov r9, r5\n\t"            \
  "mov r10, r6\n\t"           \
  "mov r11, r7\n\t"
#define EM_POP_REGISTERS_AND_RETURN \
  "pop {r4-r7}\n\t"                 \
  EM_SET_HIGH_REGISTERS             \
  "pop {r4-r7, pc}\n\t"

#endif
