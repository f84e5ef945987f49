//===- HopperProducts.h - What code reads of a launch's products -*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// The branches' products of one launch mostly do the same with other operands. Code for each, in
// every width of its tiles, would be twice the time of the assembler; so there is one, which takes
// its operands by the tile that it is at.
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERPRODUCTS_H
#define FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERPRODUCTS_H

#include "MatmulHopper.h"

namespace mlir::kern::nvptx {

/// The tensor map of a matrix for boxes of so many rows.
struct BoxMap {
  int64_t rows;
  Value map;
};

/// A product, or one of two by what `operands` chooses: what the code reads of it, in i32 and
/// generic pointers.
struct ProductCode {
  const HopperProduct *product; ///< whose code it is
  Value n, kTiles, rowTiles;
  Value aMap, outMap; ///< the latter where tiles are stored
  Value outColumn;    ///< of the result's column 0
  Value outStride;    ///< i64: elements between its rows
  OperandChoice operands;
  SmallVector<BoxMap, 3> bMaps; ///< the largest boxes first

  MatmulOp op() const { return product->op; }
  const HopperMatmulPlan &plan() const { return product->plan; }
};

/// Adds the tensor maps of a product to the kernel's, of b for boxes of so many rows each.
ProductCode makeProductCode(GPUKernelBuilder &b, const HopperProduct &product,
                            ArrayRef<int64_t> boxes);

/// Whether the code of one product is that of the other, but for operands, rows, k, and, where
/// tiles are stored, the place of the result and columns of b that threads need not check.
bool haveSameCode(const HopperProduct &one, const HopperProduct &other);

/// `one`, or where `isOther` holds `other`, which has the same code.
ProductCode chooseProduct(GPUKernelBuilder &b, const ProductCode &one, const ProductCode &other,
                          Value isOther);

} // namespace mlir::kern::nvptx

#endif // FLOWHN_LIB_CONVERSION_KERNTOGPU_HOPPERPRODUCTS_H
