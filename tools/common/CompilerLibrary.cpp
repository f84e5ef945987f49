//===- CompilerLibrary.cpp - The compiler, where it is installed ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "common/CompilerLibrary.h"

#include <dlfcn.h>

using namespace flowhn;
using namespace flowhn::tools;

static Expected<const CompilerInterface *> openLibrary() {
  // Never closed: LLVM does not survive that.
  void *library = dlopen("libFlowHNCompiler.so", RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return notFound(dlerror());
  auto entry = reinterpret_cast<decltype(&flowhnCompilerInterface)>(
      dlsym(library, "flowhnCompilerInterface"));
  if (!entry)
    return incompatible(dlerror());
  const CompilerInterface *compiler = entry();
  if (compiler->version != compilerInterfaceVersion)
    return incompatible("its interface has version " + std::to_string(compiler->version) +
                        ", this program needs version " + std::to_string(compilerInterfaceVersion));
  return compiler;
}

Expected<const CompilerInterface *> flowhn::tools::loadCompiler() {
  static const Expected<const CompilerInterface *> compiler = openLibrary();
  return compiler;
}
