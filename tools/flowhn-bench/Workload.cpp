//===- Workload.cpp - A call that is run again and again ------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Workload.h"

using namespace flowhn;
using namespace flowhn::tools;

Workload::Workload(Session &session, int64_t batch, int64_t tokens, const std::string &logits)
    : session(session), ids(batch * tokens), lengths(batch, static_cast<int32_t>(tokens)) {
  for (size_t i = 0; i < ids.size(); ++i)
    ids[i] = static_cast<int32_t>((i * 7919 + 13) % session.vocabSize());
  if (logits != "last")
    mode = logits == "all" ? LogitsMode::All : LogitsMode::None;
}

int64_t Workload::logitsRows() const {
  if (mode == LogitsMode::None)
    return 0;
  return mode == LogitsMode::All ? ids.size() : lengths.size();
}

Expected<double> Workload::run() {
  Expected<CallResult> result = session.run({ids, lengths, mode});
  if (!result.ok())
    return result.status();
  return result->deviceSeconds;
}

Status Workload::run(int times) {
  for (int i = 0; i < times; ++i)
    FLOWHN_RETURN_IF_ERROR(run().status());
  return Status();
}
