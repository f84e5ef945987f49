//===- Snapshot.cpp - A sequence as bytes ---------------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Snapshot.h"
#include "flowhn/Support/Hash.h"
#include "flowhn/Support/Json.h"

#include <cstring>
#include <nlohmann/json.hpp>

using namespace flowhn;

namespace {

constexpr std::string_view magic = "FHNSEQ01";
constexpr size_t hashBytes = 32;
constexpr size_t headerStart = magic.size() + hashBytes + sizeof(uint64_t);

void append(std::vector<std::byte> &bytes, const void *data, size_t size) {
  auto *first = static_cast<const std::byte *>(data);
  bytes.insert(bytes.end(), first, first + size);
}

std::string_view textOf(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

Expected<SnapshotHeader> parseHeader(std::string_view text) {
  Expected<nlohmann::json> json = parseJson(text, "snapshot");
  FLOWHN_RETURN_IF_ERROR(json.status());
  auto find = [&](const char *key) {
    return json->is_object() ? json->value(key, nlohmann::json()) : nlohmann::json();
  };
  auto string = [&](const char *key) {
    nlohmann::json value = find(key);
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  auto number = [&](const char *key) {
    nlohmann::json value = find(key);
    return value.is_number_integer() ? value.get<int64_t>() : int64_t(-1);
  };
  SnapshotHeader header = {string("model"), string("dtype"), string("fingerprint"),
                           number("context"), number("position")};
  if (header.position < 0 || header.context < header.position)
    return invalidInput("a snapshot at position " + std::to_string(header.position) +
                        " of a context of " + std::to_string(header.context));
  return header;
}

} // namespace

std::vector<std::byte> flowhn::packSnapshot(const SnapshotHeader &header,
                                            std::span<const std::byte> states) {
  nlohmann::ordered_json json = {{"model", header.model},
                                 {"dtype", header.dtype},
                                 {"fingerprint", header.fingerprint},
                                 {"context", header.context},
                                 {"position", header.position}};
  std::string text = json.dump();
  std::vector<std::byte> body;
  uint64_t size = text.size();
  append(body, &size, sizeof(size));
  append(body, text.data(), text.size());
  append(body, states.data(), states.size());
  std::vector<std::byte> bytes;
  append(bytes, magic.data(), magic.size());
  append(bytes, hashOf(body).data(), hashBytes);
  append(bytes, body.data(), body.size());
  return bytes;
}

Expected<Snapshot> flowhn::unpackSnapshot(std::span<const std::byte> bytes) {
  if (bytes.size() < headerStart || textOf(bytes.first(magic.size())) != magic)
    return invalidInput(std::to_string(bytes.size()) + " bytes that are no snapshot");
  std::span<const std::byte> body = bytes.subspan(magic.size() + hashBytes);
  if (textOf(bytes.subspan(magic.size(), hashBytes)) != hashOf(body))
    return invalidInput("a snapshot that is damaged: its hash does not hold");
  uint64_t size;
  std::memcpy(&size, body.data(), sizeof(size));
  body = body.subspan(sizeof(size));
  if (size > body.size())
    return invalidInput("a snapshot with a header of " + std::to_string(size) + " of " +
                        std::to_string(body.size()) + " bytes");
  Expected<SnapshotHeader> header = parseHeader(textOf(body.first(size)));
  FLOWHN_RETURN_IF_ERROR(header.status());
  return Snapshot{std::move(*header), body.subspan(size)};
}

Status flowhn::checkSnapshot(const SnapshotHeader &found, const SnapshotHeader &expected) {
  auto differ = [](const std::string &what, const std::string &found, const std::string &expected) {
    return incompatible("a snapshot of " + what + " " + found + ", not " + expected);
  };
  if (found.model != expected.model)
    return differ("model", quote(found.model), quote(expected.model));
  if (found.dtype != expected.dtype)
    return differ("type", found.dtype, expected.dtype);
  if (found.context != expected.context)
    return differ("context", std::to_string(found.context), std::to_string(expected.context));
  if (found.fingerprint != expected.fingerprint)
    return incompatible("a snapshot of model " + quote(found.model) +
                        " with other parameters or code");
  return {};
}
