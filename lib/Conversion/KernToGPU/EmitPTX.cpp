//===- EmitPTX.cpp - Kernels as files, for tests and for people -----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../KernToCPU/KernelModule.h"
#include "flowhn/Conversion/KernToGPU/KernToGPU.h"
#include "flowhn/Target/NVPTX/PTXEmitter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

namespace mlir::flowhn {
#define GEN_PASS_DEF_EMITPTXPASS
#include "flowhn/Conversion/KernToGPU/Passes.h.inc"
} // namespace mlir::flowhn

using namespace mlir;
using namespace mlir::kern;
using ::flowhn::Status;
using mlir::flowhn::GPUTargetInfo;
using mlir::flowhn::PTXModule;

template <typename T> static std::string printed(T value) {
  std::string text;
  llvm::raw_string_ostream(text) << value;
  return text;
}

/// The results of a map as text over s0, s1, …: + * ceildiv floordiv mod.
static llvm::json::Array describeMap(AffineMap map) {
  llvm::json::Array results;
  for (AffineExpr result : map.getResults())
    results.push_back(printed(result));
  return results;
}

static llvm::json::Array describeTensorMaps(LLVM::LLVMFuncOp kernel) {
  llvm::json::Array maps;
  auto attribute = kernel->getAttrOfType<ArrayAttr>(gpuTensorMapsAttrName);
  if (!attribute)
    return maps;
  for (auto map : attribute.getAsRange<DictionaryAttr>()) {
    auto integer = [&](StringRef name) { return map.getAs<IntegerAttr>(name).getInt(); };
    llvm::json::Array box;
    for (auto extent : map.getAs<ArrayAttr>("box").getAsRange<IntegerAttr>())
      box.push_back(extent.getInt());
    maps.push_back(
        llvm::json::Object{{"argument", integer("argument")},
                           {"type", printed(map.getAs<TypeAttr>("type").getValue())},
                           {"columns", integer("columns")},
                           {"rows", describeMap(map.getAs<AffineMapAttr>("rows").getValue())},
                           {"row_bytes", integer("row_bytes")},
                           {"box", std::move(box)},
                           {"swizzle", integer("swizzle")}});
  }
  return maps;
}

static llvm::json::Object describeLaunch(LLVM::LLVMFuncOp kernel) {
  auto integer = [&](StringRef name, int64_t absent = 0) -> int64_t {
    auto attribute = kernel->getAttrOfType<IntegerAttr>(name);
    return attribute ? attribute.getInt() : absent;
  };
  llvm::json::Array arguments;
  for (Type type : kernel.getArgumentTypes())
    if (auto pointer = dyn_cast<LLVM::LLVMPointerType>(type)) {
      if (pointer.getAddressSpace() == 1)
        arguments.push_back("buffer");
    } else {
      arguments.push_back("index");
    }
  return llvm::json::Object{
      {"name", kernel.getName()},
      {"arguments", std::move(arguments)},
      {"grid", describeMap(kernel->getAttrOfType<AffineMapAttr>(gridAttrName).getValue())},
      {"max_blocks", integer(gpuMaxBlocksAttrName)},
      {"cluster_blocks", integer(gpuClusterBlocksAttrName, 1)},
      {"cluster_grid", integer(gpuClusterGridAttrName)},
      {"threads", integer(gpuThreadsAttrName)},
      {"shared_bytes", integer(gpuSharedBytesAttrName)},
      {"tensor_maps", describeTensorMaps(kernel)}};
}

static Status writeFile(StringRef directory, const std::string &name, StringRef bytes) {
  llvm::SmallString<128> path(directory);
  llvm::sys::path::append(path, name);
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  stream << bytes;
  stream.close();
  if (error || stream.has_error()) {
    stream.clear_error();
    return ::flowhn::notFound("cannot write '" + path.str().str() + "'");
  }
  return Status();
}

namespace {
struct EmitPTXPass : mlir::flowhn::impl::EmitPTXPassBase<EmitPTXPass> {
  using EmitPTXPassBase::EmitPTXPassBase;

  void runOnOperation() override {
    ModuleOp module = findKernelModule(getOperation());
    if (!module)
      return;
    Status status = emit(module);
    if (!status.ok()) {
      module.emitError() << status.message();
      signalPassFailure();
    }
  }

private:
  Status emit(ModuleOp module) {
    auto target = GPUTargetInfo::get(chip);
    FLOWHN_RETURN_IF_ERROR(target.status());
    mlir::flowhn::PTXEmitter emitter(module, *target);
    for (size_t i = 0; i < emitter.size(); ++i) {
      auto code = emitter.emit(i);
      FLOWHN_RETURN_IF_ERROR(code.status());
      if (directory.empty())
        llvm::outs() << code->ptx;
      else
        FLOWHN_RETURN_IF_ERROR(writeCode(module, *code));
      if (!ptxas.empty())
        FLOWHN_RETURN_IF_ERROR(assemble(*code, *target));
    }
    return Status();
  }

  Status writeCode(ModuleOp module, const PTXModule &code) {
    llvm::sys::fs::create_directories(directory);
    FLOWHN_RETURN_IF_ERROR(writeFile(directory, code.name + ".ptx", code.ptx));
    for (const std::string &kernel : code.kernels) {
      llvm::json::Value launch = describeLaunch(module.lookupSymbol<LLVM::LLVMFuncOp>(kernel));
      FLOWHN_RETURN_IF_ERROR(writeFile(directory, kernel + ".json", printed(launch)));
    }
    return Status();
  }

  Status assemble(const PTXModule &code, const GPUTargetInfo &target) {
    auto path = mlir::flowhn::findPTXAS(ptxas);
    FLOWHN_RETURN_IF_ERROR(path.status());
    auto cubin = mlir::flowhn::assemble(code, target, *path);
    FLOWHN_RETURN_IF_ERROR(cubin.status());
    llvm::outs() << "// " << code.name << ": " << cubin->registers << " registers\n";
    StringRef bytes(cubin->bytes.data(), cubin->bytes.size());
    return directory.empty() ? Status() : writeFile(directory, code.name + ".cubin", bytes);
  }
};
} // namespace
