//===- Workload.h - A call that is run again and again ----------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_TOOLS_BENCH_WORKLOAD_H
#define FLOWHN_TOOLS_BENCH_WORKLOAD_H

#include "flowhn/Runtime/Session.h"

#include <string>
#include <vector>

namespace flowhn::tools {

/// One call, made ready once and run again and again.
class Workload {
public:
  /// `batch` sequences of `tokens` each; `logits` is last, all or none.
  Workload(Session &session, int64_t batch, int64_t tokens, const std::string &logits);

  /// Rows of logits in each run.
  int64_t logitsRows() const;
  /// The device's seconds, 0 on the CPU.
  Expected<double> run();
  Status run(int times);
  Expected<std::vector<TracedLaunch>> trace() { return session.trace({ids, lengths, mode}); }

private:
  Session &session;
  std::vector<int32_t> ids;
  std::vector<int32_t> lengths;
  LogitsMode mode = LogitsMode::Last;
};

} // namespace flowhn::tools

#endif // FLOWHN_TOOLS_BENCH_WORKLOAD_H
