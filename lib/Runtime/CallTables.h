//===- CallTables.h - A call as the entry of a plan takes it ----*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CALLTABLES_H
#define FLOWHN_LIB_RUNTIME_CALLTABLES_H

#include "flowhn/Runtime/Session.h"

namespace flowhn {

/// Whether the model has such rows and the artifact takes as many.
Status checkLengths(const Call &call, const Manifest &manifest);
/// Whether all ids are tokens of the vocabulary. The lengths were checked.
Status checkIds(const Call &call, int64_t vocabSize);

/// The tables that the entry of a plan takes beside the call itself.
struct CallTables {
  explicit CallTables(const Call &call);

  int64_t maxLength = 0;
  std::vector<int32_t> begin, offsets, select;
};

} // namespace flowhn

#endif // FLOWHN_LIB_RUNTIME_CALLTABLES_H
