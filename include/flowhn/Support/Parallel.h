//===- Parallel.h - Work shared by short-lived threads ----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_PARALLEL_H
#define FLOWHN_SUPPORT_PARALLEL_H

#include "flowhn/Support/Status.h"

#include <cstddef>
#include <functional>
#include <string_view>

namespace flowhn {

/// Calls `work(i)` once for each i in [0, count), in about this order, on at most
/// `threads` threads, the caller's among them. Where the system gives fewer, those
/// do it all. After a failure no new item starts; the failure of the lowest item
/// that failed is returned. What `work` throws is a failure, see `guarded`.
Status forEachInParallel(size_t count, size_t threads, std::string_view purpose,
                         const std::function<Status(size_t)> &work);

} // namespace flowhn

#endif // FLOWHN_SUPPORT_PARALLEL_H
