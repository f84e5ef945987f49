//===- FloatConversion.cpp - bf16 and f16 without library calls -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Without AVX512-BF16 or F16C, LLVM calls a library to convert; an artifact links
// none. So bf16 is converted with integers on every level, f16 where F16C lacks.
//
//===----------------------------------------------------------------------===//

#include "EmitterSupport.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::kern;

namespace {
/// 16- and 32-bit patterns of floats, scalars or vectors of one shape.
struct Bits {
  OpBuilder &builder;
  Location loc;
  VectorType shape; ///< null for scalars

  Bits(OpBuilder &builder, Location loc, Type like)
      : builder(builder), loc(loc), shape(dyn_cast<VectorType>(like)) {}

  Type type(Type element) const {
    return shape ? Type(VectorType::get(shape.getShape(), element)) : element;
  }
  Type integer(unsigned width) const { return type(builder.getIntegerType(width)); }
  Type single() const { return type(builder.getF32Type()); }

  Value constant(uint32_t value) const {
    auto scalar = builder.getI32IntegerAttr(static_cast<int32_t>(value));
    if (!shape)
      return arith::ConstantOp::create(builder, loc, scalar);
    auto splat = SplatElementsAttr::get(cast<VectorType>(integer(32)), Attribute(scalar));
    return arith::ConstantOp::create(builder, loc, splat);
  }
  Value as(Type to, Value value) const { return arith::BitcastOp::create(builder, loc, to, value); }
  template <typename OpTy> Value op(Value lhs, Value rhs) const {
    return OpTy::create(builder, loc, lhs, rhs);
  }
  template <typename OpTy> Value op(Value lhs, uint32_t rhs) const {
    return op<OpTy>(lhs, constant(rhs));
  }
  Value compare(arith::CmpIPredicate predicate, Value lhs, uint32_t rhs) const {
    return arith::CmpIOp::create(builder, loc, predicate, lhs, constant(rhs));
  }
  Value select(Value condition, Value yes, Value no) const {
    return arith::SelectOp::create(builder, loc, condition, yes, no);
  }
  /// A 16-bit float's pattern in 32 bits, and back.
  Value widen(Value narrow) const {
    return arith::ExtUIOp::create(builder, loc, integer(32), as(integer(16), narrow));
  }
  Value narrow(Type element, Value bits) const {
    Value low = arith::TruncIOp::create(builder, loc, integer(16), bits);
    return as(type(element), low);
  }
};

Value extendBF16(const Bits &bits, Value value) {
  return bits.as(bits.single(), bits.op<arith::ShLIOp>(bits.widen(value), 16));
}

Value truncateBF16(const Bits &bits, Value value, Type element) {
  Value pattern = bits.as(bits.integer(32), value);
  Value high = bits.op<arith::ShRUIOp>(pattern, 16);
  // To nearest, ties to even: add 0x7fff plus the last kept bit. NaN stays quiet NaN.
  Value bias = bits.op<arith::AddIOp>(bits.op<arith::AndIOp>(high, 1), 0x7fff);
  Value rounded = bits.op<arith::ShRUIOp>(bits.op<arith::AddIOp>(pattern, bias), 16);
  Value isNaN =
      arith::CmpFOp::create(bits.builder, bits.loc, arith::CmpFPredicate::UNO, value, value);
  Value quiet = bits.op<arith::OrIOp>(high, 0x40);
  return bits.narrow(element, bits.select(isNaN, quiet, rounded));
}

Value extendF16(const Bits &bits, Value value) {
  Value pattern = bits.widen(value);
  Value sign = bits.op<arith::ShLIOp>(bits.op<arith::AndIOp>(pattern, 0x8000), 16);
  Value magnitude = bits.op<arith::ShLIOp>(bits.op<arith::AndIOp>(pattern, 0x7fff), 13);
  // The exponent's bias differs by 112; multiplying also makes denormals normal.
  Value scaled = bits.op<arith::MulFOp>(bits.as(bits.single(), magnitude),
                                        bits.as(bits.single(), bits.constant((127 + 112) << 23)));
  Value isSpecial = bits.compare(arith::CmpIPredicate::uge, magnitude, 0x1f << 23);
  Value special = bits.op<arith::OrIOp>(magnitude, 0x7f800000);
  Value result = bits.select(isSpecial, special, bits.as(bits.integer(32), scaled));
  return bits.as(bits.single(), bits.op<arith::OrIOp>(result, sign));
}

Value truncateF16(const Bits &bits, Value value, Type element) {
  Value pattern = bits.as(bits.integer(32), value);
  Value sign = bits.op<arith::AndIOp>(pattern, 0x80000000);
  Value magnitude = bits.op<arith::XOrIOp>(pattern, sign);
  // Normal: rebias, round to nearest even on bit 13. An overflow carries into infinity.
  Value odd = bits.op<arith::AndIOp>(bits.op<arith::ShRUIOp>(magnitude, 13), 1);
  Value rebiased = bits.op<arith::AddIOp>(magnitude, (uint32_t(-112) << 23) + 0xfff);
  Value normal = bits.op<arith::ShRUIOp>(bits.op<arith::AddIOp>(rebiased, odd), 13);
  // Denormal: adding 0.5 aligns the mantissa at bit 0 and rounds in hardware.
  Value half = bits.constant(126u << 23);
  Value aligned =
      bits.op<arith::AddFOp>(bits.as(bits.single(), magnitude), bits.as(bits.single(), half));
  Value denormal = bits.op<arith::SubIOp>(bits.as(bits.integer(32), aligned), half);
  Value isDenormal = bits.compare(arith::CmpIPredicate::ult, magnitude, 113u << 23);
  Value finite = bits.select(isDenormal, denormal, normal);
  Value isOverflow = bits.compare(arith::CmpIPredicate::uge, magnitude, (127u + 16) << 23);
  Value isNaN = bits.compare(arith::CmpIPredicate::ugt, magnitude, 0x7f800000);
  Value special = bits.select(isNaN, bits.constant(0x7e00), bits.constant(0x7c00));
  Value result = bits.select(isOverflow, special, finite);
  return bits.narrow(element, bits.op<arith::OrIOp>(result, bits.op<arith::ShRUIOp>(sign, 16)));
}
} // namespace

/// F16C comes with the level that has 256-bit vectors.
static bool hasF16Conversion(const mlir::flowhn::CPUTargetInfo &target) {
  return target.vectorBits >= 256;
}

Value KernelBuilder::extend(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  if (element.isF32())
    return value;
  Bits bits(builder, loc, value.getType());
  if (element.isBF16())
    return extendBF16(bits, value);
  if (hasF16Conversion(target))
    return arith::ExtFOp::create(builder, loc, bits.single(), value);
  return extendF16(bits, value);
}

Value KernelBuilder::truncate(Value value, Type type) {
  if (type.isF32())
    return value;
  Bits bits(builder, loc, value.getType());
  if (type.isBF16())
    return truncateBF16(bits, value, type);
  if (hasF16Conversion(target))
    return arith::TruncFOp::create(builder, loc, bits.type(type), value);
  return truncateF16(bits, value, type);
}
