//===- FlowHNAttributes.cpp - Attributes of flowhn ------------------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "flowhn/Dialect/FlowHN/IR/FlowHNOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::flowhn;

#include "flowhn/Dialect/FlowHN/IR/FlowHNEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "flowhn/Dialect/FlowHN/IR/FlowHNAttributes.cpp.inc"

/// Positions are 32-bit integers on every target.
static constexpr int64_t maxPosition = std::numeric_limits<int32_t>::max();

void FlowHNDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "flowhn/Dialect/FlowHN/IR/FlowHNAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// SplitAttr
//===----------------------------------------------------------------------===//

LogicalResult SplitAttr::verify(function_ref<InFlightDiagnostic()> emitError, Strategy strategy,
                                Circulation, int64_t contextLength,
                                ArrayRef<int64_t> attentionTokens, bool) {
  // split_c1
  if (contextLength < 0 || contextLength > maxPosition)
    return emitError() << "the context of a split must lie in 0.." << maxPosition << ", got "
                       << contextLength;
  for (int64_t count : attentionTokens)
    if (count < 0)
      return emitError() << "attention_tokens must not be negative, got " << count;
  if (attentionTokens.empty())
    return success();
  // split_c2
  if (strategy != Strategy::FA && strategy != Strategy::FAC)
    return emitError() << "attention_tokens need strategy fa or fac, got "
                       << stringifyStrategy(strategy);
  if (contextLength == 0)
    return emitError() << "attention_tokens need a context to be counted in";
  for (int64_t count : attentionTokens)
    if (count > contextLength)
      return emitError() << "attention_tokens must be at most the context " << contextLength
                         << ", got " << count;
  return success();
}

namespace {
/// What stands between the brackets of a `#flowhn.split`, as it is read.
struct SplitFields {
  std::optional<Circulation> circulation;
  std::optional<int64_t> context;
  std::optional<SmallVector<int64_t>> attentionTokens;
  bool byCall = false;
};
} // namespace

/// Parses `= integer` into a field that must not have been given before.
static ParseResult parseAssignedInteger(AsmParser &parser, SMLoc loc, StringRef name,
                                        std::optional<int64_t> &field) {
  if (field)
    return parser.emitError(loc) << "'" << name << "' is given twice";
  return failure(parser.parseEqual() || parser.parseInteger(field.emplace()));
}

static ParseResult parseAttentionTokens(AsmParser &parser, SMLoc loc, SplitFields &fields) {
  if (fields.attentionTokens)
    return parser.emitError(loc, "'attention_tokens' is given twice");
  SmallVector<int64_t> &counts = fields.attentionTokens.emplace();
  if (parser.parseEqual())
    return failure();
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&]() -> ParseResult {
    return parser.parseInteger(counts.emplace_back());
  });
}

static ParseResult parseSplitField(AsmParser &parser, SplitFields &fields) {
  StringRef name;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseKeyword(&name))
    return failure();
  if (name == "context")
    return parseAssignedInteger(parser, loc, name, fields.context);
  if (name == "attention_tokens")
    return parseAttentionTokens(parser, loc, fields);
  if (name == "by_call") {
    if (std::exchange(fields.byCall, true))
      return parser.emitError(loc, "'by_call' is given twice");
    return success();
  }
  std::optional<Circulation> circulation = symbolizeCirculation(name);
  if (!circulation)
    return parser.emitError(loc)
           << "expected 'alternate', 'rotate', 'by_call', 'context' or 'attention_tokens', got '"
           << name << "'";
  if (std::exchange(fields.circulation, circulation))
    return parser.emitError(loc, "the circulation is given twice");
  return success();
}

Attribute SplitAttr::parse(AsmParser &parser, Type) {
  SMLoc start = parser.getCurrentLocation();
  StringRef name;
  if (parser.parseLess())
    return {};
  SMLoc strategyLoc = parser.getCurrentLocation();
  if (parser.parseKeyword(&name))
    return {};
  std::optional<Strategy> strategy = symbolizeStrategy(name);
  if (!strategy) {
    parser.emitError(strategyLoc) << "expected a strategy: none, ae, fa or fac, got '" << name
                                  << "'";
    return {};
  }
  SplitFields fields;
  while (succeeded(parser.parseOptionalComma()))
    if (parseSplitField(parser, fields))
      return {};
  if (parser.parseGreater())
    return {};
  return getChecked([&] { return parser.emitError(start); }, parser.getContext(), *strategy,
                    fields.circulation.value_or(Circulation::Rotate), fields.context.value_or(0),
                    fields.attentionTokens.value_or(SmallVector<int64_t>()), fields.byCall);
}

void SplitAttr::print(AsmPrinter &printer) const {
  printer << '<' << stringifyStrategy(getStrategy());
  if (getStrategy() == Strategy::FAC || getCirculation() != Circulation::Rotate)
    printer << ", " << stringifyCirculation(getCirculation());
  if (getByCall())
    printer << ", by_call";
  if (getContextLength() != 0)
    printer << ", context = " << getContextLength();
  if (!getAttentionTokens().empty()) {
    printer << ", attention_tokens = [";
    llvm::interleaveComma(getAttentionTokens(), printer);
    printer << ']';
  }
  printer << '>';
}

//===----------------------------------------------------------------------===//
// WindowAttr
//===----------------------------------------------------------------------===//

WindowAttr WindowAttr::getFixed(MLIRContext *context, int64_t start, int64_t count,
                                int64_t period) {
  return get(context, start, count, period, /*byCall=*/false, /*last=*/false, /*ceil=*/false,
             /*numerator=*/0, /*denominator=*/0);
}

WindowAttr WindowAttr::getByCall(MLIRContext *context, bool last, bool ceil, int64_t numerator,
                                 int64_t denominator) {
  return get(context, /*start=*/0, /*count=*/0, /*period=*/0, /*byCall=*/true, last, ceil,
             numerator, denominator);
}

WindowAttr WindowAttr::getAll(MLIRContext *context) {
  return get(context, /*start=*/0, /*count=*/0, /*period=*/0, /*byCall=*/false, /*last=*/false,
             /*ceil=*/false, /*numerator=*/0, /*denominator=*/0);
}

static LogicalResult verifyByCall(function_ref<InFlightDiagnostic()> emitError, int64_t numerator,
                                  int64_t denominator) {
  // window_c2
  if (denominator <= 0 || denominator > maxPosition || numerator < 0 || numerator > denominator)
    return emitError() << "the fraction of a window by call must lie in 0..1, got " << numerator
                       << "/" << denominator;
  return success();
}

static LogicalResult verifyFixed(function_ref<InFlightDiagnostic()> emitError, int64_t start,
                                 int64_t count, int64_t period) {
  // window_c1
  if (period <= 0 || period > maxPosition)
    return emitError() << "the period of a window must lie in 1.." << maxPosition << ", got "
                       << period;
  if (start < 0 || start >= period)
    return emitError() << "the start of a window must lie in 0.." << period - 1 << ", got "
                       << start;
  if (count < 0 || count > period)
    return emitError() << "the count of a window must lie in 0.." << period << ", got " << count;
  return success();
}

LogicalResult WindowAttr::verify(function_ref<InFlightDiagnostic()> emitError, int64_t start,
                                 int64_t count, int64_t period, bool byCall, bool last, bool ceil,
                                 int64_t numerator, int64_t denominator) {
  bool hasPositions = start != 0 || count != 0 || period != 0;
  bool hasFraction = last || ceil || numerator != 0 || denominator != 0;
  // window_c3
  if (byCall ? hasPositions : hasFraction)
    return emitError() << "a window holds fixed positions or a fraction of the call, not both";
  if (byCall)
    return verifyByCall(emitError, numerator, denominator);
  return hasPositions ? verifyFixed(emitError, start, count, period) : success();
}

/// Parses what follows `first` or `last`: `floor 1/2`.
static Attribute parseByCall(AsmParser &parser, SMLoc loc, bool last) {
  StringRef rounding;
  int64_t numerator, denominator;
  SMLoc roundingLoc = parser.getCurrentLocation();
  if (parser.parseKeyword(&rounding))
    return {};
  if (rounding != "floor" && rounding != "ceil") {
    parser.emitError(roundingLoc) << "expected 'floor' or 'ceil', got '" << rounding << "'";
    return {};
  }
  if (parser.parseInteger(numerator) || parser.parseSlash() || parser.parseInteger(denominator))
    return {};
  return WindowAttr::getChecked([&] { return parser.emitError(loc); }, parser.getContext(),
                                /*start=*/0, /*count=*/0, /*period=*/0, /*byCall=*/true, last,
                                rounding == "ceil", numerator, denominator);
}

/// Parses what follows `start`: `= 226, count = 286, period = 512`.
static Attribute parseFixed(AsmParser &parser, SMLoc loc) {
  int64_t start, count, period;
  if (parser.parseEqual() || parser.parseInteger(start) || parser.parseComma() ||
      parser.parseKeyword("count") || parser.parseEqual() || parser.parseInteger(count) ||
      parser.parseComma() || parser.parseKeyword("period") || parser.parseEqual() ||
      parser.parseInteger(period))
    return {};
  auto emitError = [&] { return parser.emitError(loc); };
  // Checked here too: all zeros would otherwise read as the window `all`.
  if (failed(verifyFixed(emitError, start, count, period)))
    return {};
  return WindowAttr::getFixed(parser.getContext(), start, count, period);
}

Attribute WindowAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef form;
  if (parser.parseLess() || parser.parseKeyword(&form))
    return {};
  Attribute window;
  if (form == "all")
    window = getAll(parser.getContext());
  else if (form == "start")
    window = parseFixed(parser, loc);
  else if (form == "first" || form == "last")
    window = parseByCall(parser, loc, form == "last");
  else
    parser.emitError(loc) << "expected 'all', 'start', 'first' or 'last', got '" << form << "'";
  if (!window || parser.parseGreater())
    return {};
  return window;
}

void WindowAttr::print(AsmPrinter &printer) const {
  if (isAll())
    printer << "<all>";
  else if (getByCall())
    printer << '<' << (getLast() ? "last " : "first ") << (getCeil() ? "ceil " : "floor ")
            << getNumerator() << '/' << getDenominator() << '>';
  else
    printer << "<start = " << getStart() << ", count = " << getCount()
            << ", period = " << getPeriod() << '>';
}

//===----------------------------------------------------------------------===//
// TimesAttr
//===----------------------------------------------------------------------===//

LogicalResult TimesAttr::verify(function_ref<InFlightDiagnostic()> emitError, Schedule,
                                int64_t batch, int64_t tokens, int64_t attention, int64_t ssm,
                                int64_t joint, int64_t serial, int64_t streams, int64_t grouped) {
  // times_c1
  if (batch < 1 || tokens < 1)
    return emitError() << "times are of a call of at least 1 x 1 tokens, got " << batch << " x "
                       << tokens;
  int64_t least = std::min({attention, ssm, joint, serial, streams, grouped});
  if (least < 0)
    return emitError() << "times must not be negative, got " << least;
  return success();
}
