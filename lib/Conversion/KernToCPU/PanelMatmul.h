//===- PanelMatmul.h - Products of rows and packed panels ------- *- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOCPU_PANELMATMUL_H
#define FLOWHN_LIB_CONVERSION_KERNTOCPU_PANELMATMUL_H

#include "EmitterSupport.h"

#include "llvm/Support/MathExtras.h"

namespace mlir::kern {

/// The sizes that the emitted code is made of.
struct PanelMatmulPlan {
  PanelMatmulPlan(MatmulOp op, DictionaryAttr config);

  int64_t n, k, groups;
  int64_t panel;         ///< columns of a panel, per group
  int64_t width;         ///< columns of a panel, all groups
  int64_t panels;        ///< in b
  int64_t tileRows;      ///< rows of the largest register tile
  int64_t kBlock;        ///< products summed before moving to the next panel
  int64_t rowBlock;      ///< rows of a work item
  int64_t panelsPerItem; ///< panels of a work item
  bool widenA, widenB;

  int64_t items() const { return llvm::divideCeil(panels, panelsPerItem); }
  bool isBlockedInK() const { return kBlock < k; }
  /// Panels that a single row meets side by side: a decode waits for memory, which
  /// delivers several streams faster than one.
  int64_t streams() const { return std::min<int64_t>(panelsPerItem, 4); }

  // Scratch: sums, then the widened a, then the widened b. Between blocks of k the
  // sums of all panels wait; otherwise those of as many as are in flight.
  int64_t sumSlots() const { return isBlockedInK() ? panelsPerItem : streams(); }
  int64_t sumBytes() const { return alignToLine(sumSlots() * rowBlock * width * 4); }
  int64_t aBytes() const { return widenA ? alignToLine(rowBlock * kBlock * 4) : 0; }
  int64_t bBytes() const { return widenB ? alignToLine(kBlock * width * 4) : 0; }
};

/// Emits a work item, with the scratch that the plan asks for.
void emitPanelMatmul(MatmulOp op, KernelBuilder &b, const PanelMatmulPlan &plan, Value item,
                     Value scratch);

} // namespace mlir::kern

#endif // FLOWHN_LIB_CONVERSION_KERNTOCPU_PANELMATMUL_H
