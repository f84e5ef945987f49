//===- BucketedStep.h - Steps that launch the same --------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_BUCKETEDSTEP_H
#define FLOWHN_LIB_RUNTIME_CUDA_BUCKETEDSTEP_H

#include "../Executor.h"

#include <vector>

namespace flowhn::cuda {

/// The arguments of a call; those of a step with one token for each sequence are filled up with
/// rows of no sequence, to a power of two. Kernels compute them like any others, and nobody
/// reads what comes out: so steps of so many sequences have the same launches, however many of
/// them a branch takes.
class BucketedStep {
public:
  /// Buckets have at most `maxRows` rows. Refers to `arguments`.
  BucketedStep(const EntryArguments &arguments, int64_t maxRows);
  BucketedStep(const BucketedStep &) = delete;
  BucketedStep &operator=(const BucketedStep &) = delete;

  const EntryArguments &arguments() const { return filled; }

private:
  std::vector<int32_t> ids, begin, length, offsets, select, slots, draws, history;
  StepArguments step;
  EntryArguments filled;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_BUCKETEDSTEP_H
