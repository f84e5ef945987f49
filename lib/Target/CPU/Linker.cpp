//===- Linker.cpp - lld in process ----------------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Linker.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <mutex>

LLD_HAS_DRIVER(elf)

using namespace mlir::flowhn;
using ::flowhn::Expected;
using ::flowhn::internalError;
using ::flowhn::resourceExhausted;
using ::flowhn::Status;

namespace {

/// A directory of our own, removed with everything in it.
class TemporaryDirectory {
public:
  static Expected<std::unique_ptr<TemporaryDirectory>> create() {
    auto directory = std::make_unique<TemporaryDirectory>();
    if (std::error_code error = llvm::sys::fs::createUniqueDirectory("flowhn", directory->path))
      return resourceExhausted("cannot create a temporary directory: " + error.message());
    return directory;
  }
  ~TemporaryDirectory() {
    if (!path.empty())
      llvm::sys::fs::remove_directories(path);
  }

  std::string file(const llvm::Twine &name) const {
    llvm::SmallString<128> result(path);
    llvm::sys::path::append(result, name);
    return std::string(result);
  }

private:
  llvm::SmallString<128> path;
};

Status writeFile(const std::string &path, llvm::ArrayRef<char> bytes) {
  std::error_code error;
  llvm::raw_fd_ostream stream(path, error);
  if (!error) {
    stream.write(bytes.data(), bytes.size());
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  return error ? resourceExhausted("cannot write '" + path + "': " + error.message()) : Status();
}

/// Kernels may call the memory functions that LLVM introduces, nothing else.
Status checkImports(llvm::StringRef bytes) {
  static const llvm::StringSet<> allowed = {"memcpy", "memmove", "memset"};
  auto object = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(bytes, "kernels"));
  if (!object)
    return internalError("linked kernels are no object file: " +
                         llvm::toString(object.takeError()));
  auto *elf = llvm::dyn_cast<llvm::object::ELFObjectFileBase>(object->get());
  if (!elf)
    return internalError("linked kernels are no ELF file");
  for (const llvm::object::ELFSymbolRef &symbol : elf->getDynamicSymbolIterators()) {
    auto flags = symbol.getFlags();
    auto name = symbol.getName();
    if (!flags || !name)
      return internalError("linked kernels have a damaged symbol table");
    if ((*flags & llvm::object::SymbolRef::SF_Undefined) && !name->empty() &&
        !allowed.contains(*name))
      return internalError("kernels call the external function '" + name->str() + "'");
  }
  return Status();
}

} // namespace

Expected<std::vector<char>> mlir::flowhn::linkSharedObject(llvm::ArrayRef<ObjectFile> objects) {
  static std::mutex mutex;
  std::lock_guard<std::mutex> lock(mutex);

  auto directory = TemporaryDirectory::create();
  if (!directory.ok())
    return directory.status();
  std::string output = (*directory)->file("kernels.so");
  std::vector<std::string> arguments = {"ld.lld",          "-shared",     "-o",          output,
                                        "--build-id=none", "--strip-all", "--threads=1", "-z",
                                        "noexecstack"};
  for (size_t i = 0; i < objects.size(); ++i) {
    arguments.push_back((*directory)->file(llvm::Twine(i) + ".o"));
    FLOWHN_RETURN_IF_ERROR(writeFile(arguments.back(), objects[i]));
  }
  std::vector<const char *> argv;
  for (const std::string &argument : arguments)
    argv.push_back(argument.c_str());

  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(argv, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return internalError("linking the kernels failed: " + messages);

  auto buffer =
      llvm::MemoryBuffer::getFile(output, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return internalError("cannot read the linked kernels: " + buffer.getError().message());
  FLOWHN_RETURN_IF_ERROR(checkImports((*buffer)->getBuffer()));
  return std::vector<char>((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
}
