//===- TensorMaps.cpp - The boxes that copy engines move ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TensorMaps.h"
#include "../../Artifact/Expression.h"

#include <algorithm>

using namespace flowhn;
using namespace flowhn::cuda;

static int tensorMapType(fb::DType type) {
  switch (type) {
  case fb::DType::F32:
    return constants::tensorMapFloat32;
  case fb::DType::F16:
    return constants::tensorMapFloat16;
  default:
    return constants::tensorMapBFloat16;
  }
}

Status cuda::encodeTensorMap(const Driver &driver, const fb::TensorMap &map,
                             std::span<const uint64_t> arguments, std::span<const int64_t> indices,
                             EncodedTensorMap &encoded) {
  int64_t rows = evaluate<int64_t>(*map.rows(), indices);
  // The driver makes no map of 0 rows: those of an empty part of a launch are not read.
  const uint64_t extents[] = {uint64_t(map.columns()), uint64_t(std::max<int64_t>(rows, 1))};
  const uint64_t strides[] = {uint64_t(map.row_bytes())};
  const uint32_t box[] = {map.box_columns(), map.box_rows()};
  const uint32_t steps[] = {1, 1};
  Result result = driver.tensorMapEncodeTiled(
      &encoded, tensorMapType(map.dtype()), /*rank=*/2,
      reinterpret_cast<void *>(arguments[map.argument()]), extents, strides, box, steps,
      constants::interleaveNone,
      map.swizzle() == 128 ? constants::swizzle128 : constants::swizzleNone,
      constants::promotionL2128, constants::fillZeros);
  return driver.check(result, "cannot make the tensor map of argument " +
                                  std::to_string(map.argument()) + ", " + std::to_string(rows) +
                                  " rows of " + std::to_string(map.columns()) + " columns");
}
