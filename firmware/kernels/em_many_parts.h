/* CONCATENATION, PACK, SPLIT, SPLIT_V and UNPACK of up to 100 parts: em_parts.h for as many as an
 * unrolled recurrent layer has steps. Every argument costs a word of stack, twice.
 */
#ifndef EM_MANY_PARTS_H
#define EM_MANY_PARTS_H

#include "em_parts.h"

EM_KERNEL void em_concatenate_32(const em_parts_params *p, const int32_t *parts, const int8_t *in_0,
                                 const int8_t *in_1, const int8_t *in_2, const int8_t *in_3,
                                 const int8_t *in_4, const int8_t *in_5, const int8_t *in_6,
                                 const int8_t *in_7, const int8_t *in_8, const int8_t *in_9,
                                 const int8_t *in_10, const int8_t *in_11, const int8_t *in_12,
                                 const int8_t *in_13, const int8_t *in_14, const int8_t *in_15,
                                 const int8_t *in_16, const int8_t *in_17, const int8_t *in_18,
                                 const int8_t *in_19, const int8_t *in_20, const int8_t *in_21,
                                 const int8_t *in_22, const int8_t *in_23, const int8_t *in_24,
                                 const int8_t *in_25, const int8_t *in_26, const int8_t *in_27,
                                 const int8_t *in_28, const int8_t *in_29, const int8_t *in_30,
                                 const int8_t *in_31, int8_t *out)
{
  const int8_t *const in[32] = {in_0, in_1, in_2, in_3, in_4, in_5, in_6, in_7, in_8, in_9, in_10,
                                in_11, in_12, in_13, in_14, in_15, in_16, in_17, in_18, in_19,
                                in_20, in_21, in_22, in_23, in_24, in_25, in_26, in_27, in_28,
                                in_29, in_30, in_31};
  em_concatenate(p, parts, in, 32, out);
}

EM_KERNEL void em_split_32(const em_parts_params *p, const int32_t *parts, const int8_t *in,
                           int8_t *out_0, int8_t *out_1, int8_t *out_2, int8_t *out_3,
                           int8_t *out_4, int8_t *out_5, int8_t *out_6, int8_t *out_7,
                           int8_t *out_8, int8_t *out_9, int8_t *out_10, int8_t *out_11,
                           int8_t *out_12, int8_t *out_13, int8_t *out_14, int8_t *out_15,
                           int8_t *out_16, int8_t *out_17, int8_t *out_18, int8_t *out_19,
                           int8_t *out_20, int8_t *out_21, int8_t *out_22, int8_t *out_23,
                           int8_t *out_24, int8_t *out_25, int8_t *out_26, int8_t *out_27,
                           int8_t *out_28, int8_t *out_29, int8_t *out_30, int8_t *out_31)
{
  int8_t *const out[32] = {out_0, out_1, out_2, out_3, out_4, out_5, out_6, out_7, out_8, out_9,
                           out_10, out_11, out_12, out_13, out_14, out_15, out_16, out_17, out_18,
                           out_19, out_20, out_21, out_22, out_23, out_24, out_25, out_26, out_27,
                           out_28, out_29, out_30, out_31};
  em_split(p, parts, in, out, 32);
}

EM_KERNEL void em_concatenate_100(const em_parts_params *p, const int32_t *parts,
                                  const int8_t *in_0, const int8_t *in_1, const int8_t *in_2,
                                  const int8_t *in_3, const int8_t *in_4, const int8_t *in_5,
                                  const int8_t *in_6, const int8_t *in_7, const int8_t *in_8,
                                  const int8_t *in_9, const int8_t *in_10, const int8_t *in_11,
                                  const int8_t *in_12, const int8_t *in_13, const int8_t *in_14,
                                  const int8_t *in_15, const int8_t *in_16, const int8_t *in_17,
                                  const int8_t *in_18, const int8_t *in_19, const int8_t *in_20,
                                  const int8_t *in_21, const int8_t *in_22, const int8_t *in_23,
                                  const int8_t *in_24, const int8_t *in_25, const int8_t *in_26,
                                  const int8_t *in_27, const int8_t *in_28, const int8_t *in_29,
                                  const int8_t *in_30, const int8_t *in_31, const int8_t *in_32,
                                  const int8_t *in_33, const int8_t *in_34, const int8_t *in_35,
                                  const int8_t *in_36, const int8_t *in_37, const int8_t *in_38,
                                  const int8_t *in_39, const int8_t *in_40, const int8_t *in_41,
                                  const int8_t *in_42, const int8_t *in_43, const int8_t *in_44,
                                  const int8_t *in_45, const int8_t *in_46, const int8_t *in_47,
                                  const int8_t *in_48, const int8_t *in_49, const int8_t *in_50,
                                  const int8_t *in_51, const int8_t *in_52, const int8_t *in_53,
                                  const int8_t *in_54, const int8_t *in_55, const int8_t *in_56,
                                  const int8_t *in_57, const int8_t *in_58, const int8_t *in_59,
                                  const int8_t *in_60, const int8_t *in_61, const int8_t *in_62,
                                  const int8_t *in_63, const int8_t *in_64, const int8_t *in_65,
                                  const int8_t *in_66, const int8_t *in_67, const int8_t *in_68,
                                  const int8_t *in_69, const int8_t *in_70, const int8_t *in_71,
                                  const int8_t *in_72, const int8_t *in_73, const int8_t *in_74,
                                  const int8_t *in_75, const int8_t *in_76, const int8_t *in_77,
                                  const int8_t *in_78, const int8_t *in_79, const int8_t *in_80,
                                  const int8_t *in_81, const int8_t *in_82, const int8_t *in_83,
                                  const int8_t *in_84, const int8_t *in_85, const int8_t *in_86,
                                  const int8_t *in_87, const int8_t *in_88, const int8_t *in_89,
                                  const int8_t *in_90, const int8_t *in_91, const int8_t *in_92,
                                  const int8_t *in_93, const int8_t *in_94, const int8_t *in_95,
                                  const int8_t *in_96, const int8_t *in_97, const int8_t *in_98,
                                  const int8_t *in_99, int8_t *out)
{
  const int8_t *const in[100] = {in_0, in_1, in_2, in_3, in_4, in_5, in_6, in_7, in_8, in_9, in_10,
                                 in_11, in_12, in_13, in_14, in_15, in_16, in_17, in_18, in_19,
                                 in_20, in_21, in_22, in_23, in_24, in_25, in_26, in_27, in_28,
                                 in_29, in_30, in_31, in_32, in_33, in_34, in_35, in_36, in_37,
                                 in_38, in_39, in_40, in_41, in_42, in_43, in_44, in_45, in_46,
                                 in_47, in_48, in_49, in_50, in_51, in_52, in_53, in_54, in_55,
                                 in_56, in_57, in_58, in_59, in_60, in_61, in_62, in_63, in_64,
                                 in_65, in_66, in_67, in_68, in_69, in_70, in_71, in_72, in_73,
                                 in_74, in_75, in_76, in_77, in_78, in_79, in_80, in_81, in_82,
                                 in_83, in_84, in_85, in_86, in_87, in_88, in_89, in_90, in_91,
                                 in_92, in_93, in_94, in_95, in_96, in_97, in_98, in_99};
  em_concatenate(p, parts, in, 100, out);
}

EM_KERNEL void em_split_100(const em_parts_params *p, const int32_t *parts, const int8_t *in,
                            int8_t *out_0, int8_t *out_1, int8_t *out_2, int8_t *out_3,
                            int8_t *out_4, int8_t *out_5, int8_t *out_6, int8_t *out_7,
                            int8_t *out_8, int8_t *out_9, int8_t *out_10, int8_t *out_11,
                            int8_t *out_12, int8_t *out_13, int8_t *out_14, int8_t *out_15,
                            int8_t *out_16, int8_t *out_17, int8_t *out_18, int8_t *out_19,
                            int8_t *out_20, int8_t *out_21, int8_t *out_22, int8_t *out_23,
                            int8_t *out_24, int8_t *out_25, int8_t *out_26, int8_t *out_27,
                            int8_t *out_28, int8_t *out_29, int8_t *out_30, int8_t *out_31,
                            int8_t *out_32, int8_t *out_33, int8_t *out_34, int8_t *out_35,
                            int8_t *out_36, int8_t *out_37, int8_t *out_38, int8_t *out_39,
                            int8_t *out_40, int8_t *out_41, int8_t *out_42, int8_t *out_43,
                            int8_t *out_44, int8_t *out_45, int8_t *out_46, int8_t *out_47,
                            int8_t *out_48, int8_t *out_49, int8_t *out_50, int8_t *out_51,
                            int8_t *out_52, int8_t *out_53, int8_t *out_54, int8_t *out_55,
                            int8_t *out_56, int8_t *out_57, int8_t *out_58, int8_t *out_59,
                            int8_t *out_60, int8_t *out_61, int8_t *out_62, int8_t *out_63,
                            int8_t *out_64, int8_t *out_65, int8_t *out_66, int8_t *out_67,
                            int8_t *out_68, int8_t *out_69, int8_t *out_70, int8_t *out_71,
                            int8_t *out_72, int8_t *out_73, int8_t *out_74, int8_t *out_75,
                            int8_t *out_76, int8_t *out_77, int8_t *out_78, int8_t *out_79,
                            int8_t *out_80, int8_t *out_81, int8_t *out_82, int8_t *out_83,
                            int8_t *out_84, int8_t *out_85, int8_t *out_86, int8_t *out_87,
                            int8_t *out_88, int8_t *out_89, int8_t *out_90, int8_t *out_91,
                            int8_t *out_92, int8_t *out_93, int8_t *out_94, int8_t *out_95,
                            int8_t *out_96, int8_t *out_97, int8_t *out_98, int8_t *out_99)
{
  int8_t *const out[100] = {out_0, out_1, out_2, out_3, out_4, out_5, out_6, out_7, out_8, out_9,
                            out_10, out_11, out_12, out_13, out_14, out_15, out_16, out_17, out_18,
                            out_19, out_20, out_21, out_22, out_23, out_24, out_25, out_26, out_27,
                            out_28, out_29, out_30, out_31, out_32, out_33, out_34, out_35, out_36,
                            out_37, out_38, out_39, out_40, out_41, out_42, out_43, out_44, out_45,
                            out_46, out_47, out_48, out_49, out_50, out_51, out_52, out_53, out_54,
                            out_55, out_56, out_57, out_58, out_59, out_60, out_61, out_62, out_63,
                            out_64, out_65, out_66, out_67, out_68, out_69, out_70, out_71, out_72,
                            out_73, out_74, out_75, out_76, out_77, out_78, out_79, out_80, out_81,
                            out_82, out_83, out_84, out_85, out_86, out_87, out_88, out_89, out_90,
                            out_91, out_92, out_93, out_94, out_95, out_96, out_97, out_98, out_99};
  em_split(p, parts, in, out, 100);
}

#endif
