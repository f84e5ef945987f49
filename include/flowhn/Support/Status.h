//===- Status.h - Errors of the public API ----------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_STATUS_H
#define FLOWHN_SUPPORT_STATUS_H

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace flowhn {

/// Why a call failed. Callers may branch on the code; people read the message.
enum class StatusCode {
  Ok,
  InvalidArgument,    ///< the caller passed something the call cannot take
  InvalidInput,       ///< a file or model description is malformed
  NotFound,           ///< a file, tensor or device is missing
  Unsupported,        ///< well-formed, but this build or target cannot do it
  Incompatible,       ///< made by another version, or for another target
  ResourceExhausted,  ///< memory, disk, or a declared maximum is used up
  Internal,           ///< a bug of ours
};

/// Success, or a code and a message that names place, rule and value. Public calls that can fail
/// return it (or `Expected`) and do not throw or exit; others throw nothing but std::bad_alloc.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(StatusCode code, std::string message) : statusCode(code), text(std::move(message)) {
    assert(code != StatusCode::Ok && "an error needs an error code");
  }

  bool ok() const { return statusCode == StatusCode::Ok; }
  explicit operator bool() const = delete;
  StatusCode code() const { return statusCode; }
  /// Lower case, no full stop; empty on success. May hold several lines when
  /// several problems were found.
  const std::string &message() const { return text; }

  /// The same error with `context: ` before its message; success stays success.
  Status withContext(std::string_view context) const {
    return ok() ? *this : Status(statusCode, std::string(context) + ": " + text);
  }

private:
  StatusCode statusCode = StatusCode::Ok;
  std::string text;
};

inline Status invalidArgument(std::string message) { return {StatusCode::InvalidArgument, std::move(message)}; }
inline Status invalidInput(std::string message) { return {StatusCode::InvalidInput, std::move(message)}; }
inline Status notFound(std::string message) { return {StatusCode::NotFound, std::move(message)}; }
inline Status unsupported(std::string message) { return {StatusCode::Unsupported, std::move(message)}; }
inline Status incompatible(std::string message) { return {StatusCode::Incompatible, std::move(message)}; }
inline Status resourceExhausted(std::string message) { return {StatusCode::ResourceExhausted, std::move(message)}; }
inline Status internalError(std::string message) { return {StatusCode::Internal, std::move(message)}; }

/// A value, or the status that says why there is none.
template <typename T> class [[nodiscard]] Expected {
public:
  Expected(T value) : held(std::move(value)) {}
  Expected(Status status) : error(std::move(status)) { assert(!error.ok() && "success needs a value"); }

  bool ok() const { return held.has_value(); }
  const Status &status() const { return error; }
  T &operator*() { return *held; }
  const T &operator*() const { return *held; }
  T *operator->() { return &*held; }
  const T *operator->() const { return &*held; }

private:
  std::optional<T> held;
  Status error;
};

} // namespace flowhn

/// Returns from the calling function when `expr`, a Status, is an error.
#define FLOWHN_RETURN_IF_ERROR(expr)                                                               \
  do {                                                                                             \
    if (::flowhn::Status flowhnStatus = (expr); !flowhnStatus.ok())                                \
      return flowhnStatus;                                                                         \
  } while (false)

#endif // FLOWHN_SUPPORT_STATUS_H
