//===- Interpreter.h - flowhn ops in plain double loops ---------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a flowhn model computes, op by op, written down from the definitions of the
// ops and sharing nothing with the compiler but the IR: slow, and the judge of what
// the passes and kernels make of a model.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TEST_UNITTESTS_SEMANTICS_INTERPRETER_H
#define FLOWHN_TEST_UNITTESTS_SEMANTICS_INTERPRETER_H

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"

#include <cstdint>
#include <functional>
#include <vector>

namespace mlir::flowhn {

/// The features of one token.
using Features = std::vector<double>;
/// The tokens of one row of the batch.
using Sequence = std::vector<Features>;
/// Activations: sequences of different lengths.
using Batch = std::vector<Sequence>;

/// The numbers of a parameter of the model, row-major.
using ParameterLookup = std::function<std::vector<double>(ParameterOp)>;

/// Runs `@forward` of `model`, whose plan is chosen and whose blocks are not
/// outlined, from position 0 on; the logits of every token, sequence by sequence.
Sequence interpret(ModelOp model, const ParameterLookup &lookup,
                   const std::vector<std::vector<int32_t>> &ids);

} // namespace mlir::flowhn

#endif // FLOWHN_TEST_UNITTESTS_SEMANTICS_INTERPRETER_H
