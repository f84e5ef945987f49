//===- Validate.h - Checks of a plan from a file ----------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_ARTIFACT_VALIDATE_H
#define FLOWHN_ARTIFACT_VALIDATE_H

#include "flowhn/Artifact/Manifest.h"
#include "flowhn/Support/Status.h"

#include <cstddef>
#include <span>

namespace flowhn {

/// Streams are numbered 0 to maxStreams - 1.
inline constexpr unsigned maxStreams = 8;

/// Whether the runtime can execute this serialised plan (Plan.fbs), 8-byte
/// aligned, at any call within `limits`. Beyond the structure of the FlatBuffer:
///
/// * every index names something that is there and was defined before; names and
///   tables are not empty where they must not be, enumerators are known;
/// * the entry takes 4 index and 6 memory arguments (PlanDialect.td); calls go to
///   earlier procedures with matching counts, never while streams are forked;
/// * expressions leave one value on a stack of at most 64, divide by positive
///   values, and overflow nowhere in the ranges that `limits` allows;
/// * arenas have at most 2^46 bytes; views lie within their arena;
/// * launches have the operands of their kernel; kernels have distinct symbols, a
///   grid that is never negative and at most 1 GiB of scratch;
/// * outside of forks only stream 0 is used; forks start streams that are not
///   running, joins end streams that are, and no procedure ends with one running;
/// * parameters have the shape their sources and layout give, sources of one name
///   agree, and windows obey flowhn::WindowAttr;
/// * the procedures as called hold at most 2^20 commands.
///
/// Never crashes on any bytes. InvalidInput names the place.
Status validatePlan(std::span<const std::byte> plan, const ManifestLimits &limits);

} // namespace flowhn

#endif // FLOWHN_ARTIFACT_VALIDATE_H
