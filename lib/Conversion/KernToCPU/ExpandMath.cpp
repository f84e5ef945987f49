//===- ExpandMath.cpp - math ops without a library ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExpandMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::kern;

namespace {
/// Float32 and int32 arithmetic on scalars or on vectors of one shape.
class Expander {
public:
  Expander(OpBuilder &builder, Location loc, Type type, bool hasFma)
      : builder(builder), loc(loc), single(type), integer(integerLike(type)), hasFma(hasFma) {}

  Value exp(Value x);
  Value exp2(Value x);
  Value log(Value x);
  Value log1p(Value x);
  Value tanh(Value x);
  Value rsqrt(Value x) { return div(constant(1), math::SqrtOp::create(builder, loc, x)); }
  /// Fused where the target can: elsewhere LLVM would call fmaf.
  Value fma(Value a, Value b, Value c) {
    return hasFma ? Value(math::FmaOp::create(builder, loc, a, b, c)) : add(mul(a, b), c);
  }

private:
  OpBuilder &builder;
  Location loc;
  Type single, integer;
  bool hasFma;

  static Type integerLike(Type type) {
    auto i32 = IntegerType::get(type.getContext(), 32);
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(VectorType::get(vector.getShape(), i32)) : i32;
  }
  Value splat(Type type, TypedAttr scalar) {
    if (auto vector = dyn_cast<VectorType>(type))
      scalar = SplatElementsAttr::get(vector, Attribute(scalar));
    return arith::ConstantOp::create(builder, loc, scalar);
  }
  Value constant(float value) { return splat(single, builder.getF32FloatAttr(value)); }
  Value bits(uint32_t value) {
    return splat(integer, builder.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value toBits(Value x) { return arith::BitcastOp::create(builder, loc, integer, x); }
  Value fromBits(Value x) { return arith::BitcastOp::create(builder, loc, single, x); }
  template <typename OpTy> Value op(Value lhs, Value rhs) {
    return OpTy::create(builder, loc, lhs, rhs);
  }
  Value add(Value a, Value b) { return op<arith::AddFOp>(a, b); }
  Value sub(Value a, Value b) { return op<arith::SubFOp>(a, b); }
  Value mul(Value a, Value b) { return op<arith::MulFOp>(a, b); }
  Value div(Value a, Value b) { return op<arith::DivFOp>(a, b); }
  Value less(Value a, Value b) {
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT, a, b);
  }
  Value equal(Value a, Value b) {
    return arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OEQ, a, b);
  }
  Value select(Value condition, Value yes, Value no) {
    return arith::SelectOp::create(builder, loc, condition, yes, no);
  }
  /// Horner's rule, the highest power first.
  Value polynomial(Value x, ArrayRef<float> coefficients) {
    Value sum = constant(coefficients.front());
    for (float coefficient : coefficients.drop_front())
      sum = fma(sum, x, constant(coefficient));
    return sum;
  }
  Value clamp(Value x, float low, float high);
  Value exponential(Value n, Value shifted, Value r);
  Value logarithm(Value f, Value k, Value correction);
  std::pair<Value, Value> split(Value x);
  Value patchLogarithm(Value argument, Value result);
};

/// Adding it leaves the nearest integer in the low bits of the mantissa.
constexpr float roundingShift = 12582912.0f; // 1.5 · 2^23
} // namespace

/// NaN passes: each comparison is false for it.
Value Expander::clamp(Value x, float low, float high) {
  Value bounded = select(less(constant(high), x), constant(high), x);
  return select(less(bounded, constant(low)), constant(low), bounded);
}

/// 2^n · e^r for |r| ≤ ln(2)/2; `shifted` is n + roundingShift. The power is
/// applied in two halves, so that results overflow and underflow gradually.
/// Polynomial: Cephes expf.
Value Expander::exponential(Value n, Value shifted, Value r) {
  Value p = polynomial(r, {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f,
                           1.6666665459e-1f, 5.0000001201e-1f});
  Value mantissa = add(fma(p, mul(r, r), r), constant(1));
  Value power = op<arith::SubIOp>(toBits(shifted), toBits(constant(roundingShift)));
  Value first = op<arith::ShRSIOp>(power, bits(1));
  Value second = op<arith::SubIOp>(power, first);
  auto powerOfTwo = [&](Value e) {
    return fromBits(op<arith::ShLIOp>(op<arith::AddIOp>(e, bits(127)), bits(23)));
  };
  return mul(mul(mantissa, powerOfTwo(first)), powerOfTwo(second));
}

Value Expander::exp(Value x) {
  // Beyond these bounds the result is 0 or infinity all the same.
  x = clamp(x, -104.5f, 89.0f);
  Value shifted = fma(x, constant(1.44269504f), constant(roundingShift));
  Value n = sub(shifted, constant(roundingShift));
  // ln(2) in two parts, the first with few enough bits that n times it is exact.
  Value r = fma(n, constant(-0.693359375f), x);
  r = fma(n, constant(2.12194440e-4f), r);
  return exponential(n, shifted, r);
}

Value Expander::exp2(Value x) {
  x = clamp(x, -151.0f, 129.0f);
  Value shifted = add(x, constant(roundingShift));
  Value n = sub(shifted, constant(roundingShift));
  return exponential(n, shifted, mul(sub(x, n), constant(0.69314718f)));
}

/// x = 2^k · m with m in [√½, √2): returns (m, k). Denormals must be scaled before.
std::pair<Value, Value> Expander::split(Value x) {
  constexpr uint32_t rootHalf = 0x3f3504f3, one = 0x3f800000;
  Value shifted = op<arith::AddIOp>(toBits(x), bits(one - rootHalf));
  Value exponent = op<arith::SubIOp>(op<arith::ShRUIOp>(shifted, bits(23)), bits(127));
  Value k = arith::SIToFPOp::create(builder, loc, single, exponent);
  Value mantissa = op<arith::AndIOp>(shifted, bits(0x007fffff));
  return {fromBits(op<arith::AddIOp>(mantissa, bits(rootHalf))), k};
}

/// k · ln(2) + log(1 + f) + correction. Polynomial and order: FreeBSD's logf.
Value Expander::logarithm(Value f, Value k, Value correction) {
  Value s = div(f, add(constant(2), f));
  Value z = mul(s, s);
  Value series =
      mul(z, polynomial(z, {0xf89e26.0p-26f, 0x91e9ee.0p-25f, 0xccce13.0p-25f, 0xaaaaaa.0p-24f}));
  Value half = mul(constant(0.5f), mul(f, f));
  Value low = fma(k, constant(9.0580006145e-6f), correction);
  Value sum = sub(fma(s, add(half, series), low), half);
  return fma(k, constant(6.9313812256e-1f), add(sum, f));
}

/// The values outside the positive finite numbers: 0 → -∞, ∞ → ∞, else NaN.
Value Expander::patchLogarithm(Value argument, Value result) {
  Value infinity = constant(INFINITY), zero = constant(0);
  result = select(equal(argument, infinity), infinity, result);
  result = select(equal(argument, zero), constant(-INFINITY), result);
  Value invalid = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::ULT, argument, zero);
  return select(invalid, constant(NAN), result);
}

Value Expander::log(Value x) {
  Value isDenormal = less(x, constant(1.17549435e-38f));
  Value scaled = select(isDenormal, mul(x, constant(8388608.0f)), x);
  auto [m, k] = split(scaled);
  k = select(isDenormal, sub(k, constant(23)), k);
  return patchLogarithm(x, logarithm(sub(m, constant(1)), k, constant(0)));
}

Value Expander::log1p(Value x) {
  Value u = add(constant(1), x);
  auto [m, k] = split(u);
  // What 1 + x lost, divided by it.
  Value big = less(constant(1), x);
  Value lost = select(big, sub(constant(1), sub(u, x)), sub(x, sub(u, constant(1))));
  Value correction = div(lost, u);
  // Where u would be 2^0 · m, x itself is the exact f.
  Value isSmall = equal(k, constant(0));
  Value f = select(isSmall, x, sub(m, constant(1)));
  correction = select(isSmall, constant(0), correction);
  Value result = patchLogarithm(u, logarithm(f, k, correction));
  // -0 is its own logarithm; so is what is too small to change 1.
  return select(equal(u, constant(1)), x, result);
}

/// Cephes tanhf.
Value Expander::tanh(Value x) {
  Value magnitude = math::AbsFOp::create(builder, loc, x);
  Value z = mul(x, x);
  Value p = polynomial(z, {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f,
                           1.33314422036e-1f, -3.33332819422e-1f});
  Value small = fma(mul(p, z), x, x);
  Value doubled = exp(add(magnitude, magnitude));
  Value large = sub(constant(1), div(constant(2), add(doubled, constant(1))));
  large = math::CopySignOp::create(builder, loc, large, x);
  return select(less(magnitude, constant(0.625f)), small, large);
}

/// The expansion of a math op, or null if it has none.
static Value expand(Expander &expander, Operation &op) {
  Value x = op.getOperand(0);
  return llvm::TypeSwitch<Operation *, Value>(&op)
      .Case([&](math::ExpOp) { return expander.exp(x); })
      .Case([&](math::Exp2Op) { return expander.exp2(x); })
      .Case([&](math::LogOp) { return expander.log(x); })
      .Case([&](math::Log1pOp) { return expander.log1p(x); })
      .Case([&](math::RsqrtOp) { return expander.rsqrt(x); })
      .Case([&](math::TanhOp) { return expander.tanh(x); })
      .Case([&](math::FmaOp op) { return expander.fma(op.getA(), op.getB(), op.getC()); })
      .Default([](Operation *) { return Value(); });
}

/// Ops that become an instruction.
static bool isNative(Operation &op, bool hasFma) {
  return isa<math::SqrtOp, math::AbsFOp, math::CopySignOp, math::FloorOp, math::CeilOp,
             math::TruncOp, math::RoundEvenOp>(op) ||
         (hasFma && isa<math::FmaOp>(op));
}

LogicalResult kern::expandMath(func::FuncOp kernel, const flowhn::CPUTargetInfo &target) {
  bool hasFma = target.vectorBits >= 256;
  SmallVector<Operation *> ops;
  kernel.walk([&](Operation *op) {
    if (isa<math::MathDialect>(op->getDialect()) && !isNative(*op, hasFma))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    Type type = op->getResult(0).getType();
    OpBuilder builder(op);
    Expander expander(builder, op->getLoc(), type, hasFma);
    Value expanded = getElementTypeOrSelf(type).isF32() ? expand(expander, *op) : Value();
    if (!expanded)
      return op->emitOpError() << "on " << type << " has no expansion for the CPU, in kernel '"
                               << kernel.getName() << "'";
    op->replaceAllUsesWith(ValueRange(expanded));
    op->erase();
  }
  return success();
}
