//===- TargetInfo.h - What is known of a CPU --------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TARGET_CPU_TARGETINFO_H
#define FLOWHN_TARGET_CPU_TARGETINFO_H

#include "flowhn/Support/Status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace mlir::flowhn {

/// Facts about a CPU that kernels are emitted for. Code is emitted for one of the
/// x86-64 levels, so that an artifact runs on every machine of its level.
struct CPUTargetInfo {
  std::string cpu;              ///< LLVM's name: "x86-64-v2", "x86-64-v3", "x86-64-v4"
  std::string triple;           ///< "x86_64-unknown-linux-gnu"
  int64_t vectorBits = 128;     ///< widest vector register
  int64_t vectorRegisters = 16; ///< how many of them
  int64_t l1Bytes = 32 << 10;
  int64_t l2Bytes = 1 << 20;

  /// float32 lanes of a vector register.
  int64_t lanes() const { return vectorBits / 32; }

  /// Columns of a packed weight panel, per group (`groups` 1 or 2), for a product
  /// with n columns: the register tile of the matmul kernel.
  int64_t panelColumns(int64_t n, int64_t groups) const;

  /// The level named `cpu`, or the host's for "host". Unknown names are listed.
  static ::flowhn::Expected<CPUTargetInfo> get(std::string_view cpu);
};

} // namespace mlir::flowhn

#endif // FLOWHN_TARGET_CPU_TARGETINFO_H
