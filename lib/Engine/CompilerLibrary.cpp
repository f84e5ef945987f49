//===- CompilerLibrary.cpp - The compiler, loaded when needed -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Engine/CompilerLibrary.h"

using namespace flowhn;

const CompilerInterface *flowhnCompilerInterface() {
  static constexpr CompilerInterface interface = {compilerInterfaceVersion, Model::load,
                                                  Model::fromConfig, compile, calibrationOf};
  return &interface;
}
