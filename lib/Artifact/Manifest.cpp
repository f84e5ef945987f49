//===- Manifest.cpp - What an artifact says of itself ---------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Artifact/Manifest.h"
#include "flowhn/Support/Json.h"

#include <limits>
#include <nlohmann/json.hpp>

using namespace flowhn;
using nlohmann::json;
using nlohmann::ordered_json;

namespace {

constexpr int64_t maxInt32 = std::numeric_limits<int32_t>::max();
constexpr int64_t maxInt64 = std::numeric_limits<int64_t>::max();

/// Reads the members of one JSON object; remembers the first problem and gives
/// empty values from then on.
class ObjectReader {
public:
  ObjectReader(const json &object, std::string place, Status &problem)
      : object(object), place(std::move(place)), problem(problem) {
    if (!object.is_object())
      fail("must be an object, got " + describe(object));
  }

  bool has(const char *key) const { return object.contains(key); }
  void read(const char *key, std::string &to) {
    if (const json *value = member(key, &json::is_string, "a string"))
      to = value->get<std::string>();
  }
  void read(const char *key, bool &to) {
    if (const json *value = member(key, &json::is_boolean, "true or false"))
      to = value->get<bool>();
  }
  void read(const char *key, int64_t &to, int64_t least, int64_t most) {
    if (const json *value = member(key, &json::is_number_integer, "an integer"))
      to = integer(*value, key, least, most);
  }
  void read(const char *key, std::vector<std::string> &to, size_t least = 0) {
    for (const json &value : elements(key)) {
      if (!value.is_string())
        return fail(quote(key) + " must hold strings, got " + describe(value));
      to.push_back(value.get<std::string>());
    }
    if (to.size() < least)
      fail(quote(key) + " must hold at least " + std::to_string(least));
  }
  void read(const char *key, std::vector<int64_t> &to, int64_t least, int64_t most) {
    for (const json &value : elements(key)) {
      if (!value.is_number_integer())
        return fail(quote(key) + " must hold integers, got " + describe(value));
      to.push_back(integer(value, key, least, most));
    }
  }
  /// A member object or array; an empty one when it is missing.
  const json &at(const char *key, bool isArray) {
    static const json emptyObject = json::object(), emptyArray = json::array();
    const json *value = isArray ? member(key, &json::is_array, "an array")
                                : member(key, &json::is_object, "an object");
    return value ? *value : isArray ? emptyArray : emptyObject;
  }

private:
  using Predicate = bool (json::*)() const noexcept;

  const json *member(const char *key, Predicate is, const char *what) {
    if (!problem.ok())
      return nullptr;
    auto found = object.find(key);
    if (found == object.end())
      fail(quote(key) + " is missing");
    else if (!((*found).*is)())
      fail(quote(key) + " must be " + what + ", got " + describe(*found));
    else
      return &*found;
    return nullptr;
  }

  const json &elements(const char *key) { return at(key, /*isArray=*/true); }

  int64_t integer(const json &value, const char *key, int64_t least, int64_t most) {
    bool fits = !value.is_number_unsigned() || value.get<uint64_t>() <= uint64_t(maxInt64);
    int64_t number = fits ? value.get<int64_t>() : 0;
    if (fits && number >= least && number <= most)
      return number;
    fail(quote(key) + " must be in [" + std::to_string(least) + ", " + std::to_string(most) +
         "], got " + describe(value));
    return 0;
  }

  void fail(const std::string &what) {
    if (problem.ok())
      problem = invalidInput(place + ": " + what);
  }

  const json &object;
  std::string place;
  Status &problem;
};

bool isKnownKind(std::string_view kind) { return kind == "cpu" || kind == "nvptx"; }

ordered_json targetJson(const ManifestTarget &target) {
  bool isGPU = target.kind == "nvptx";
  return {{"kind", target.kind},
          isGPU ? ordered_json{"chips", target.chips} : ordered_json{"cpu", target.cpu},
          {"triple", target.triple}};
}

/// What an unknown kind holds beside it is not looked at.
void readTarget(ObjectReader reader, ManifestTarget &target) {
  reader.read("kind", target.kind);
  if (target.kind == "cpu")
    reader.read("cpu", target.cpu);
  if (target.kind == "nvptx")
    reader.read("chips", target.chips, /*least=*/1);
  if (isKnownKind(target.kind))
    reader.read("triple", target.triple);
}

ordered_json modelJson(const ManifestModel &model) {
  ordered_json json = {{"name", model.name},
                       {"dtype", model.dtype},
                       {"vocab_size", model.vocabSize},
                       {"hidden_size", model.hiddenSize},
                       {"num_layers", model.numLayers},
                       {"context_length", model.contextLength},
                       {"split_by_call", model.splitByCall},
                       {"strategy", model.strategy},
                       {"circulation", model.circulation},
                       {"attention_tokens", model.attentionTokens},
                       {"tokenizer", model.tokenizer},
                       {"windows", model.windows}};
  if (model.prunesDeadPositions)
    json["prunes_dead_positions"] = true;
  return json;
}

void readModel(ObjectReader reader, ManifestModel &model) {
  reader.read("name", model.name);
  reader.read("dtype", model.dtype);
  reader.read("vocab_size", model.vocabSize, 1, maxInt32);
  reader.read("hidden_size", model.hiddenSize, 1, maxInt32);
  reader.read("num_layers", model.numLayers, 0, maxInt32);
  reader.read("context_length", model.contextLength, 0, maxInt32);
  reader.read("split_by_call", model.splitByCall);
  reader.read("strategy", model.strategy);
  reader.read("circulation", model.circulation);
  reader.read("attention_tokens", model.attentionTokens, 0, maxInt32);
  if (reader.has("prunes_dead_positions"))
    reader.read("prunes_dead_positions", model.prunesDeadPositions);
  reader.read("tokenizer", model.tokenizer);
  reader.read("windows", model.windows);
}

ManifestSection readSection(const json &value, std::string place, Status &problem) {
  ManifestSection section;
  ObjectReader reader(value, std::move(place), problem);
  reader.read("name", section.name);
  reader.read("bytes", section.bytes, 0, maxInt64);
  reader.read("xxh3_128", section.hash);
  return section;
}

/// The version decides what the rest means, so it is looked at first.
Status checkVersion(const json &manifest, const std::string &place) {
  Status problem;
  int64_t version = 0;
  ObjectReader(manifest, place, problem)
      .read("format_version", version, std::numeric_limits<int64_t>::min(), maxInt64);
  FLOWHN_RETURN_IF_ERROR(problem);
  if (version != artifactFormatVersion)
    return incompatible(place + ": format version " + std::to_string(version) +
                        ", this build reads version " + std::to_string(artifactFormatVersion));
  return {};
}

} // namespace

std::string flowhn::toJson(const Manifest &manifest) {
  ordered_json sections = ordered_json::array();
  for (const ManifestSection &section : manifest.sections)
    sections.push_back(
        {{"name", section.name}, {"bytes", section.bytes}, {"xxh3_128", section.hash}});
  ordered_json limits = {{"max_batch", manifest.limits.maxBatch},
                         {"max_tokens", manifest.limits.maxTokens}};
  ordered_json root = {{"format_version", manifest.formatVersion},
                       {"producer", manifest.producer},
                       {"target", targetJson(manifest.target)},
                       {"model", modelJson(manifest.model)},
                       {"limits", std::move(limits)},
                       {"sections", std::move(sections)}};
  return root.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Expected<Manifest> flowhn::parseManifest(std::string_view text, std::string_view source) {
  std::string place(source);
  Expected<json> root = parseJson(text, source);
  FLOWHN_RETURN_IF_ERROR(root.status());
  FLOWHN_RETURN_IF_ERROR(checkVersion(*root, place));

  Manifest manifest;
  Status problem;
  ObjectReader reader(*root, place, problem);
  reader.read("producer", manifest.producer);
  readTarget({reader.at("target", false), place + ": target", problem}, manifest.target);
  readModel({reader.at("model", false), place + ": model", problem}, manifest.model);
  ObjectReader limits(reader.at("limits", false), place + ": limits", problem);
  limits.read("max_batch", manifest.limits.maxBatch, 1, maxInt32);
  limits.read("max_tokens", manifest.limits.maxTokens, 1, maxInt32);
  for (const json &section : reader.at("sections", true))
    manifest.sections.push_back(readSection(section, place + ": sections", problem));
  FLOWHN_RETURN_IF_ERROR(problem);
  if (!isKnownKind(manifest.target.kind))
    return incompatible(place + ": made for the target kind " + quote(manifest.target.kind) +
                        ", this build runs 'cpu' and 'nvptx'");
  return manifest;
}
