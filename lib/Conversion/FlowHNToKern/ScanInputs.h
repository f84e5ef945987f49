//===- ScanInputs.h - What a scan reads, made by one kernel -----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Private to lib/Conversion/FlowHNToKern.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_SCANINPUTS_H
#define FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_SCANINPUTS_H

#include "OpConversions.h"

namespace mlir::flowhn {

/// The ops between the product in front of a scan and the scan: u, then what its projection is
/// normed to, dt, b and c, and delta.
struct ScanInputs {
  CausalConv1DOp convolution;
  LinearOp projection;
  RMSNormOp norm;
  LinearOp delta;

  /// Those that begin with `convolution`, if they are what kern.scan_inputs does.
  static std::optional<ScanInputs> match(CausalConv1DOp convolution);
  /// Rows up to which the chip has a kernel for their types and sizes, ascending; empty: none.
  std::vector<int64_t> getRowBounds(const GPUTargetInfo &gpu);

private:
  bool endsInScan();
};

/// How a convolution reads its weights. Mixers.cpp
ParameterUse getWeightUse(CausalConv1DOp op);
/// Launches a convolution by itself. Mixers.cpp
LogicalResult convertConvolution(ProcedureBuilder &procedure, CausalConv1DOp op);

} // namespace mlir::flowhn

#endif // FLOWHN_LIB_CONVERSION_FLOWHNTOKERN_SCANINPUTS_H
