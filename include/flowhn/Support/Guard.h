//===- Guard.h - From exceptions to statuses --------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_GUARD_H
#define FLOWHN_SUPPORT_GUARD_H

#include "flowhn/Support/Status.h"

#include <string_view>

namespace flowhn {

/// The exception being handled as a status; only inside a `catch`. Memory or a
/// system resource that was not to be had for `purpose` is ResourceExhausted, all
/// else Internal.
Status statusOfException(std::string_view purpose);

/// What `body` returns, a Status or an Expected, or the status of what it throws.
/// The standard library reports memory that is not to be had by throwing; public
/// functions do not let that out.
template <typename Body>
auto guarded(std::string_view purpose, const Body &body) -> decltype(body()) {
  try {
    return body();
  } catch (...) {
    return statusOfException(purpose);
  }
}

} // namespace flowhn

#endif // FLOWHN_SUPPORT_GUARD_H
