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
/// aligned, on a target of the manifest's kind, at any call within `limits`. Beyond
/// the structure of the FlatBuffer:
///
/// * every index names something that is there and was defined before, and
///   enumerators are known;
/// * the entry takes 5 index and 7 memory arguments, the step, where there is one, 8
///   (PlanDialect.td); states have rows of 1 byte to 1 TiB; calls go to
///   earlier procedures with matching counts, never while streams are forked;
/// * expressions leave one value on a stack of at most 64; in the ranges that
///   `limits` allows, divisors are positive and nothing exceeds 2^62;
/// * arenas have at most 2^56 bytes and no negative extent; views lie within their
///   arena at multiples of 64;
/// * launches have the operands of their kernel; a kernel has a symbol and at most
///   1 GiB of scratch memory; for "nvptx", and only there, it says how a GPU launches it:
///   1 to 1024 threads, at most 256 KiB of shared memory, at most 4096 bytes of
///   arguments, and tensor maps of F32, BF16 or F16 that the copy engine takes: a buffer
///   argument, extents below 2^32, rows multiples of 16 bytes and less than 2^40 apart,
///   boxes of 1 to 256 rows and columns, those multiples of 16 bytes and with swizzle 128
///   at most 128;
/// * stream 0 always runs, others between a fork and a join that name them; no
///   procedure ends with one running;
/// * parameters have the shape and type their sources and layout give, sources of
///   one name agree, GPUs read no panels, and windows obey flowhn::WindowAttr;
/// * a call of the model runs at most 2^20 commands.
///
/// What a kernel does with its operands is not known here. Never crashes on any
/// bytes. InvalidInput names the place.
Status validatePlan(std::span<const std::byte> plan, const ManifestLimits &limits,
                    std::string_view targetKind = "cpu");

} // namespace flowhn

#endif // FLOWHN_ARTIFACT_VALIDATE_H
