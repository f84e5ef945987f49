//===- SafeTensorsFuzzer.cpp - Tensor files from anywhere -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Support/Npy.h"
#include "flowhn/Support/SafeTensors.h"

#include <cstdlib>
#include <cstring>
#include <memory>

using namespace flowhn;

namespace {

void check(bool rule) {
  if (!rule)
    std::abort();
}

/// Every view lies inside the file, the views together fill the buffer, and each
/// is found by its name.
void checkTensors(const SafeTensors &file, std::span<const std::byte> bytes) {
  uint64_t headerBytes = 0;
  std::memcpy(&headerBytes, bytes.data(), sizeof(headerBytes));
  size_t total = 0;
  unsigned sum = 0;
  for (const NamedTensor &tensor : file.tensors()) {
    const TensorView &view = tensor.view;
    check(file.find(tensor.name) == &view);
    check(view.data >= bytes.data() && view.bytes <= bytes.size() &&
          view.data + view.bytes <= bytes.data() + bytes.size());
    check(denseBytes(view.type, view.shape) == int64_t(view.bytes));
    for (size_t i = 0; i < view.bytes; ++i)
      sum += unsigned(view.data[i]);
    total += view.bytes;
  }
  check(total == bytes.size() - sizeof(headerBytes) - headerBytes);
  volatile unsigned sink = sum;
  (void)sink;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  std::span<const std::byte> bytes(reinterpret_cast<const std::byte *>(data), size);
  if (Expected<SafeTensors> file = SafeTensors::parse(bytes, "fuzz"); file.ok())
    checkTensors(*file, bytes);
  else
    check(!file.status().message().empty());
  // The header's length field is hard to guess: the same input as header and buffer.
  uint64_t headerBytes = size > 0 ? data[0] * uint64_t(size) / 255 : 0;
  std::unique_ptr<std::byte[]> copy(new std::byte[size + sizeof(headerBytes)]);
  std::memcpy(copy.get(), &headerBytes, sizeof(headerBytes));
  if (size > 1)
    std::memcpy(copy.get() + sizeof(headerBytes), data + 1, size - 1);
  std::span<const std::byte> framed(copy.get(), sizeof(headerBytes) + (size ? size - 1 : 0));
  if (Expected<SafeTensors> file = SafeTensors::parse(framed, "fuzz"); file.ok())
    checkTensors(*file, framed);
  if (Expected<NpyIds> ids = parseNpyIds(bytes, "fuzz"); ids.ok())
    check(denseBytes(DType::I64, ids->shape) == int64_t(ids->values.size() * sizeof(int64_t)));
  return 0;
}
