//===- KernCostsTest.cpp - FLOPs and bytes of kern ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The costs of each op of kern at small extents, against counts made by hand.
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/Kern/IR/KernOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

#include <string>

using namespace mlir;

namespace {
struct Costs {
  int64_t flops, bytes;
  bool operator==(const Costs &) const = default;
};

/// The costs of the one kern op in `text`, a function.
Costs costsOf(const std::string &text, ArrayRef<int64_t> extents) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<kern::KernDialect, func::FuncDialect>();
  OwningOpRef<ModuleOp> module = parseSourceString<ModuleOp>(text, &context);
  Costs costs = {-1, -1};
  if (module)
    module->walk(
        [&](kern::KernelOpInterface op) { costs = {op.getFlops(extents), op.getBytes(extents)}; });
  return costs;
}

TEST(KernCosts, matmul) {
  // 3 rows: a of 4 bf16, b of 2 · 6 · 4 f32, out of 6 f32, one gathered extra of f16.
  EXPECT_EQ(costsOf(R"(
    func.func @f(%r: index, %a: memref<?x9xbf16>, %b: memref<12x4xf32>, %o: memref<?x6xf32>,
                 %x: memref<?x6xf16>, %g: memref<?xi32>) {
      kern.matmul rows(%r) %a, %b -> %o extras(%x) gather(%g) {
      ^bb0(%s: f32, %t: f32, %e: f32):
        kern.yield %s
      } {n = 6, k = 4, groups = 2, accesses = [#kern.access<gathered>],
         extra_columns = array<i64: 0>}
        : (index, memref<?x9xbf16>, memref<12x4xf32>, memref<?x6xf32>, memref<?x6xf16>,
           memref<?xi32>) -> ()
      return
    })",
                    {3}),
            (Costs{2 * 3 * 6 * 4 * 2, 3 * 4 * 2 + 48 * 4 + 3 * 6 * 4 + 3 * 6 * 2 + 3 * 4}));
}

TEST(KernCosts, groupedMatmul) {
  // 3 and 5 rows: each member's own, though the second one reads the first extent last.
  EXPECT_EQ(costsOf(R"(
    func.func @f(%r: index, %s: index, %a: memref<?x4xbf16>, %b: memref<6x4xbf16>,
                 %o: memref<?x6xf32>, %c: memref<2x4xbf16>, %p: memref<?x2xf32>) {
      kern.grouped_matmul(%s, %a, %c, %p, %b, %r, %o) {
      ^bb0(%s1: index, %a1: memref<?x4xbf16>, %c1: memref<2x4xbf16>, %p1: memref<?x2xf32>,
           %b1: memref<6x4xbf16>, %r1: index, %o1: memref<?x6xf32>):
        kern.matmul rows(%r1) %a1, %b1 -> %o1 {
        ^bb0(%x: f32):
          kern.yield %x
        } {n = 6, k = 4, accesses = [], extra_columns = array<i64>}
          : (index, memref<?x4xbf16>, memref<6x4xbf16>, memref<?x6xf32>) -> ()
        kern.matmul rows(%s1) %a1, %c1 -> %p1 {
        ^bb0(%x: f32):
          kern.yield %x
        } {n = 2, k = 4, accesses = [], extra_columns = array<i64>}
          : (index, memref<?x4xbf16>, memref<2x4xbf16>, memref<?x2xf32>) -> ()
      } : (index, memref<?x4xbf16>, memref<2x4xbf16>, memref<?x2xf32>, memref<6x4xbf16>, index,
           memref<?x6xf32>) -> ()
      return
    })",
                    {5, 3}),
            (Costs{2 * 3 * 6 * 4 + 2 * 5 * 2 * 4,
                   (3 * 4 * 2 + 6 * 4 * 2 + 3 * 6 * 4) + (5 * 4 * 2 + 2 * 4 * 2 + 5 * 2 * 4)}));
}

TEST(KernCosts, rowwise) {
  // 5 rows of 7: a gathered table counts by the rows read, a column extra once.
  EXPECT_EQ(costsOf(R"(
    func.func @f(%r: index, %a: memref<1000x7xbf16>, %o: memref<?x7xf32>, %w: memref<7xf32>,
                 %g: memref<?xi32>) {
      kern.rowwise rows(%r) %a -> %o extras(%w) gather(%g) {
      ^bb0(%x: f32, %e: f32):
        kern.yield %x
      } {sections = array<i64: 0, 7>, reduction = #kern.reduction<none>,
         accesses = [#kern.access<column>], extra_columns = array<i64: 0>}
        : (index, memref<1000x7xbf16>, memref<?x7xf32>, memref<7xf32>, memref<?xi32>) -> ()
      return
    })",
                    {5}),
            (Costs{0, 5 * 7 * 2 + 5 * 7 * 4 + 7 * 4 + 5 * 4}));
}

TEST(KernCosts, groupedRowwise) {
  // 3 and 5 rows of 7 and 2.
  EXPECT_EQ(costsOf(R"(
    func.func @f(%r: index, %a: memref<?x7xbf16>, %o: memref<?x7xf32>, %s: index,
                 %c: memref<?x2xbf16>, %p: memref<?x2xf32>) {
      kern.grouped_rowwise(%r, %a, %o, %s, %c, %p) {
      ^bb0(%r1: index, %a1: memref<?x7xbf16>, %o1: memref<?x7xf32>, %s1: index,
           %c1: memref<?x2xbf16>, %p1: memref<?x2xf32>):
        kern.rowwise rows(%r1) %a1 -> %o1 {
        ^bb0(%x: f32):
          kern.yield %x
        } {sections = array<i64: 0, 7>, reduction = #kern.reduction<none>, accesses = [],
           extra_columns = array<i64>} : (index, memref<?x7xbf16>, memref<?x7xf32>) -> ()
        kern.rowwise rows(%s1) %c1 -> %p1 {
        ^bb0(%x: f32):
          kern.yield %x
        } {sections = array<i64: 0, 2>, reduction = #kern.reduction<none>, accesses = [],
           extra_columns = array<i64>} : (index, memref<?x2xbf16>, memref<?x2xf32>) -> ()
      } : (index, memref<?x7xbf16>, memref<?x7xf32>, index, memref<?x2xbf16>, memref<?x2xf32>)
        -> ()
      return
    })",
                    {3, 5}),
            (Costs{0, 3 * 7 * (2 + 4) + 5 * 2 * (2 + 4)}));
}

TEST(KernCosts, scalars) {
  // 5 rows of 7 to one f32 each, which a product of 3 columns reads.
  EXPECT_EQ(costsOf(R"(
    func.func @f(%r: index, %a: memref<?x7xbf16>, %o: memref<?xf32>) {
      kern.rowwise rows(%r) %a -> %o {
      ^bb0(%mean: f32):
        kern.yield %mean
      } {sections = array<i64: 0, 7>, reduction = #kern.reduction<mean_of_squares>,
         accesses = [], extra_columns = array<i64>} : (index, memref<?x7xbf16>, memref<?xf32>) -> ()
      return
    })",
                    {5}),
            (Costs{0, 5 * 7 * 2 + 5 * 4}));
  EXPECT_EQ(costsOf(R"(
    func.func @f(%r: index, %a: memref<?x7xbf16>, %b: memref<3x7xbf16>, %o: memref<?x3xbf16>,
                 %x: memref<?xf32>) {
      kern.matmul rows(%r) %a, %b -> %o extras(%x) {
      ^bb0(%s: f32, %e: f32):
        kern.yield %s
      } {n = 3, k = 7, accesses = [#kern.access<scalar>], extra_columns = array<i64: 0>}
        : (index, memref<?x7xbf16>, memref<3x7xbf16>, memref<?x3xbf16>, memref<?xf32>) -> ()
      return
    })",
                    {5}),
            (Costs{2 * 5 * 3 * 7, (5 * 7 + 3 * 7 + 5 * 3) * 2 + 5 * 4}));
}

TEST(KernCosts, attention) {
  // Each of 6 heads over 3 positions: 1 + 2 + 3 pairs, two products of 8 features.
  EXPECT_EQ(costsOf(R"(
    func.func @f(%b: index, %m: index, %q: memref<?x48xf32>, %k: memref<?x32xf32>,
                 %off: memref<?xi32>, %o: memref<?x48xf32>) {
      kern.attention batch(%b, %m) %q, %k, %k offsets(%off) -> %o
        {heads = 6, kv_heads = 2, head_size = 8, scale = 1.0 : f32, v_column = 16}
        : (index, index, memref<?x48xf32>, memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>,
           memref<?x48xf32>) -> ()
      return
    })",
                    {2, 3}),
            (Costs{2 * 6 * (1 + 2 + 3) * 2 * 8 * 2, 6 * (48 + 16 + 16 + 48) * 4 + 3 * 4}));
}

TEST(KernCosts, conv1d) {
  EXPECT_EQ(costsOf(R"(
    func.func @f(%b: index, %m: index, %x: memref<?x5xf32>, %w: memref<4x5xf32>,
                 %off: memref<?xi32>, %o: memref<?x5xf32>) {
      kern.conv1d batch(%b, %m) %x, %w offsets(%off) -> %o {
      ^bb0(%s: f32):
        kern.yield %s
      } {accesses = [], extra_columns = array<i64>}
        : (index, index, memref<?x5xf32>, memref<4x5xf32>, memref<?xi32>, memref<?x5xf32>) -> ()
      return
    })",
                    {2, 3}),
            (Costs{2 * 4 * 5 * 6, (6 * 5 + 4 * 5 + 6 * 5 + 3) * 4}));
}

TEST(KernCosts, scan) {
  EXPECT_EQ(costsOf(R"(
    func.func @f(%b: index, %m: index, %u: memref<?x5xf32>, %a: memref<16x5xf32>,
                 %bc: memref<?x32xf32>, %off: memref<?xi32>, %o: memref<?x5xf32>) {
      kern.scan batch(%b, %m) %u, %u, %a, %bc, %bc offsets(%off) -> %o {
      ^bb0(%y: f32, %x: f32):
        kern.yield %y
      } {c_column = 16, accesses = [], extra_columns = array<i64>}
        : (index, index, memref<?x5xf32>, memref<?x5xf32>, memref<16x5xf32>, memref<?x32xf32>,
           memref<?x32xf32>, memref<?xi32>, memref<?x5xf32>) -> ()
      return
    })",
                    {2, 3}),
            (Costs{9 * 16 * 5 * 6, (6 * (5 + 5 + 16 + 16 + 5) + 16 * 5 + 3) * 4}));
}

/// Six rows of two sequences; parameters are read whole, and of the projections b and c are
/// written.
TEST(KernCosts, scanInputs) {
  EXPECT_EQ(costsOf(R"(
    func.func @f(%r: index, %b: index, %x: memref<?x64xbf16>, %cw: memref<4x64xf32>, %v: memref<64xf32>,
                 %w: memref<13x64xbf16>, %n: memref<13xf32>, %dw: memref<64x8xbf16>,
                 %off: memref<?xi32>, %p: memref<?x16xbf16>) {
      kern.scan_inputs rows(%r, %b) %x, %cw, %v, %w, %n, %dw, %v offsets(%off) -> %x, %p, %x
        {dt_rank = 5, states = 4, eps = 1.0e-6 : f32}
        : (index, index, memref<?x64xbf16>, memref<4x64xf32>, memref<64xf32>, memref<13x64xbf16>,
           memref<13xf32>, memref<64x8xbf16>, memref<64xf32>, memref<?xi32>, memref<?x64xbf16>,
           memref<?x16xbf16>, memref<?x64xbf16>) -> ()
      return
    })",
                    {6, 2}),
            (Costs{2 * 6 * 64 * (4 + 13 + 5),
                   6 * (3 * 64 + 8) * 2 + (13 + 8) * 64 * 2 + (4 * 64 + 2 * 64 + 13 + 3) * 4}));
}

/// Two sequences of three chunks of four rows: the last chunk of each is scanned only once.
TEST(KernCosts, scanInChunks) {
  EXPECT_EQ(costsOf(R"(
    func.func @f(%b: index, %n: index, %r: index, %u: memref<?x5xf32>, %a: memref<16x5xf32>,
                 %bc: memref<?x16xf32>, %off: memref<?xi32>, %h: memref<?x16x5xf32>, %s: memref<?x5xf32>) {
      kern.scan_states batch(%b) chunks(%n, %r) %u, %u, %a, %bc offsets(%off) -> %h, %s
        : (index, index, index, memref<?x5xf32>, memref<?x5xf32>, memref<16x5xf32>,
           memref<?x16xf32>, memref<?xi32>, memref<?x16x5xf32>, memref<?x5xf32>) -> ()
      return
    })",
                    {2, 3, 4}),
            (Costs{7 * 16 * 5 * 16, (16 * (5 + 5 + 16) + 16 * 5 + 4 * (16 * 5 + 5) + 3) * 4}));
  EXPECT_EQ(costsOf(R"(
    func.func @f(%b: index, %n: index, %r: index, %a: memref<16x5xf32>, %off: memref<?xi32>,
                 %h: memref<?x16x5xf32>, %s: memref<?x5xf32>, %i: memref<?x16x5xf32>) {
      kern.scan_combine batch(%b) chunks(%n, %r) %a, %s offsets(%off) -> %h initial(%i)
        : (index, index, index, memref<16x5xf32>, memref<?x5xf32>, memref<?xi32>,
           memref<?x16x5xf32>, memref<?x16x5xf32>) -> ()
      return
    })",
                    {2, 3, 4}),
            (Costs{4 * 16 * 5 * 4, (16 * 5 + 4 * (2 * 16 * 5 + 5) + 2 * 16 * 5 + 3) * 4}));
  EXPECT_EQ(costsOf(R"(
    func.func @f(%b: index, %m: index, %n: index, %r: index, %u: memref<?x5xf32>, %a: memref<16x5xf32>,
                 %bc: memref<?x32xf32>, %off: memref<?xi32>, %o: memref<?x5xf32>, %h: memref<?x16x5xf32>,
                 %i: memref<?x16x5xf32>) {
      kern.scan batch(%b, %m) chunks(%n, %r) %u, %u, %a, %bc, %bc offsets(%off) -> %o
          from(%h) initial(%i) final(%i) {
      ^bb0(%y: f32, %x: f32):
        kern.yield %y
      } {c_column = 16, accesses = [], extra_columns = array<i64>}
        : (index, index, index, index, memref<?x5xf32>, memref<?x5xf32>, memref<16x5xf32>,
           memref<?x32xf32>, memref<?x32xf32>, memref<?xi32>, memref<?x5xf32>, memref<?x16x5xf32>,
           memref<?x16x5xf32>, memref<?x16x5xf32>) -> ()
      return
    })",
                    {2, 12, 3, 4}),
            (Costs{9 * 16 * 5 * 24,
                   (24 * (5 + 5 + 16 + 16 + 5) + 16 * 5 + (4 + 2 + 2) * 16 * 5 + 3) * 4}));
}
} // namespace
