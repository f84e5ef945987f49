//===- KernelConfig.cpp - Configurations of CPU kernels -------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "KernelConfig.h"

#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace mlir::kern;

DictionaryAttr kern::makeConfig(MLIRContext *context,
                                ArrayRef<std::pair<StringRef, int64_t>> entries) {
  Builder builder(context);
  SmallVector<NamedAttribute> attributes;
  for (auto [name, value] : entries)
    attributes.push_back(builder.getNamedAttr(name, builder.getI64IntegerAttr(value)));
  return builder.getDictionaryAttr(attributes);
}

int64_t kern::configValue(DictionaryAttr config, StringRef name) {
  return config.getAs<IntegerAttr>(name).getInt();
}

LogicalResult kern::checkConfig(Operation *op, ArrayRef<StringRef> names, StringRef target) {
  auto config = op->getAttrOfType<DictionaryAttr>("config");
  for (StringRef name : names) {
    auto value = config.getAs<IntegerAttr>(name);
    if (!value || value.getInt() < 1)
      return op->emitOpError("needs a positive integer '")
             << name << "' in its " << target << " configuration";
  }
  return success();
}
