//===- Json.h - JSON from untrusted text ------------------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_SUPPORT_JSON_H
#define FLOWHN_SUPPORT_JSON_H

#include "flowhn/Support/Status.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace flowhn {

/// Parses untrusted JSON text. Stricter than nlohmann's parser: duplicate keys,
/// NUL bytes, nesting deeper than 64 and more than 4 M values are errors; and
/// wider: `Infinity`, `-Infinity`, `NaN` and `{"__float__": "Infinity"}` are
/// numbers, as Python and Transformers write them. Strings are never touched.
/// Messages start with `source` and say the line and column. Callers include
/// <nlohmann/json.hpp> themselves.
Expected<nlohmann::json> parseJson(std::string_view text, std::string_view source);

/// The kind and the value, shortened, for messages: `string "abc"`, `number 3.5`.
std::string describe(const nlohmann::json &value);

/// `text` in single quotes, shortened and with every byte that is not printable
/// ASCII escaped, so that a message can carry names out of untrusted files.
std::string quote(std::string_view text);

} // namespace flowhn

#endif // FLOWHN_SUPPORT_JSON_H
