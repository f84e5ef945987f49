//===- Passes.td - Passes over plan -------------------------*- tablegen -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_TD
#define FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def AssignBuffersPass : Pass<"plan-assign-buffers", "::mlir::ModuleOp"> {
  let summary = "Give every buffer of a procedure its place in an arena";
  let description = [{
    Replaces the `plan.alloc`s of each procedure by `plan.view`s of one `plan.arena` per
    arena name and number of rows. A buffer is live from its first use to its last in
    program order; buffers that are live together never overlap, others take the lowest
    place that is free. Between a fork and its join streams have no order, so a buffer of
    an arena that several streams use there is live throughout.

    Assumes procedures of one block, streams other than 0 only between `plan.fork` and
    `plan.join`, and no calls or taps there; what breaks this is an error.

    ```mlir
    %a = plan.alloc %rows in "shared" : memref<?x16xf32>
    %b = plan.alloc %rows in "shared" : memref<?x16xf32>
    %c = plan.alloc %rows in "shared" : memref<?x16xf32>
    plan.launch @kernels::@map(%rows, %a, %b) stream 0 : …
    plan.launch @kernels::@map(%rows, %b, %c) stream 0 : …
    ```
    becomes
    ```mlir
    %arena = plan.arena "shared" units(%rows) bytes_per_unit 128
    %a = plan.view %arena at 0 : memref<?x16xf32>
    %b = plan.view %arena at 64 : memref<?x16xf32>
    %c = plan.view %arena at 0 : memref<?x16xf32>
    …
    ```

    Numerics: changes nothing.
  }];
}

#endif // FLOWHN_DIALECT_PLAN_TRANSFORMS_PASSES_TD
