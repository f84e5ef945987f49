//===- Assembler.cpp - From PTX to machine code, by ptxas -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Target/NVPTX/PTXEmitter.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>

using namespace mlir::flowhn;
using ::flowhn::Expected;
using ::flowhn::internalError;
using ::flowhn::notFound;
using ::flowhn::Status;

Expected<std::string> mlir::flowhn::findPTXAS(std::string_view requested) {
  if (requested != "auto") {
    if (!llvm::sys::fs::can_execute(llvm::StringRef(requested)))
      return notFound("no ptxas that can be run at '" + std::string(requested) + "'");
    return std::string(requested);
  }
  auto inToolkit = [](llvm::StringRef root) {
    llvm::SmallString<128> path(root);
    llvm::sys::path::append(path, "bin", "ptxas");
    return llvm::sys::fs::can_execute(path) ? path.str().str() : std::string();
  };
  for (const char *variable : {"CUDA_HOME", "CUDA_PATH"})
    if (const char *root = std::getenv(variable))
      if (std::string path = inToolkit(root); !path.empty())
        return path;
  if (std::string path = inToolkit("/usr/local/cuda"); !path.empty())
    return path;
  if (auto path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  return notFound("no ptxas: CUDA_HOME, CUDA_PATH, /usr/local/cuda and the search path have none");
}

/// A file of the temporary folder, removed when this goes out of scope.
namespace {
class TemporaryFile {
public:
  explicit TemporaryFile(llvm::StringRef suffix) {
    error = llvm::sys::fs::createTemporaryFile("flowhn", suffix, path);
  }
  ~TemporaryFile() { llvm::sys::fs::remove(path); }
  TemporaryFile(const TemporaryFile &) = delete;
  TemporaryFile &operator=(const TemporaryFile &) = delete;

  llvm::SmallString<128> path;
  std::error_code error;
};
} // namespace

static std::string readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  return buffer ? (*buffer)->getBuffer().str() : std::string();
}

/// The kernel that a line is about: the one that it names, else the one that is `current`.
static llvm::StringRef kernelOf(llvm::StringRef line, const PTXModule &module,
                                llvm::StringRef current) {
  for (llvm::StringRef kernel : module.kernels)
    if (line.contains(("'" + kernel + "'").str()))
      return kernel;
  return current;
}

/// Fails on what ptxas only remarks on.
static Status checkReport(const PTXModule &module, llvm::StringRef report) {
  llvm::SmallVector<llvm::StringRef> lines;
  report.split(lines, '\n');
  llvm::StringRef kernel = module.kernels.front();
  for (llvm::StringRef line : lines) {
    kernel = kernelOf(line, module, kernel);
    bool spills = line.contains("bytes spill stores") && !line.contains(" 0 bytes spill stores");
    if (spills || line.contains("warning") || line.contains("Potential Performance Loss") ||
        line.contains("serialized") || line.contains("setmaxnreg ignored"))
      return internalError("ptxas on kernel '" + kernel.str() + "': " + line.trim().str());
  }
  return Status();
}

static int64_t parseRegisters(llvm::StringRef report) {
  llvm::Regex used("Used ([0-9]+) registers");
  llvm::SmallVector<llvm::StringRef> matches;
  int64_t most = 0, registers = 0;
  for (; used.match(report, &matches); report = report.substr(matches[0].end() - report.begin()))
    if (!matches[1].getAsInteger(10, registers))
      most = std::max(most, registers);
  return most;
}

Expected<Cubin> mlir::flowhn::assemble(const PTXModule &module, const GPUTargetInfo &target,
                                       const std::string &ptxas) {
  TemporaryFile input("ptx"), output("cubin"), report("log");
  for (const TemporaryFile *file : {&input, &output, &report})
    if (file->error)
      return internalError("cannot make a temporary file: " + file->error.message());
  std::error_code error;
  llvm::raw_fd_ostream stream(input.path, error);
  stream << module.ptx;
  stream.close();
  if (error || stream.has_error())
    return internalError("cannot write '" + input.path.str().str() + "'");

  std::string arch = "-arch=" + target.chip;
  llvm::StringRef arguments[] = {ptxas, arch, "-O3", "-v", input.path, "-o", output.path};
  std::optional<llvm::StringRef> redirects[] = {llvm::StringRef(), report.path.str(),
                                                report.path.str()};
  std::string message;
  int status = llvm::sys::ExecuteAndWait(ptxas, arguments, std::nullopt, redirects,
                                         /*SecondsToWait=*/0, /*MemoryLimit=*/0, &message);
  std::string text = readFile(report.path);
  if (status != 0)
    return internalError("ptxas refused " + module.describe() + ": " + message + text);
  FLOWHN_RETURN_IF_ERROR(checkReport(module, text));
  std::string bytes = readFile(output.path);
  return Cubin{std::vector<char>(bytes.begin(), bytes.end()), parseRegisters(text)};
}
