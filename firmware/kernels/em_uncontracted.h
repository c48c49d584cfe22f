/* In what follows a product of floats and a sum must not become one operation, which rounds
 * once. */
#ifndef EM_UNCONTRACTED_H
#define EM_UNCONTRACTED_H

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#endif
