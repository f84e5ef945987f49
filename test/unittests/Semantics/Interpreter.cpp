//===- Interpreter.cpp - flowhn ops in plain double loops -----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::flowhn;

namespace {

/// A parameter as a matrix: its first extent × the rest.
struct Matrix {
  std::vector<double> values;
  size_t rows = 0, columns = 0;
  double at(size_t row, size_t column) const { return values[row * columns + column]; }
};

double silu(double x) { return x / (1 + std::exp(-x)); }
double softplus(double x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }

double dot(const Features &x, const Matrix &weight, size_t row) {
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i)
    sum += x[i] * weight.at(row, i);
  return sum;
}

Features multiply(const Features &x, const Matrix &weight) {
  Features y(weight.rows);
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = dot(x, weight, i);
  return y;
}

Features norm(const Features &x, const Matrix &weight, double eps) {
  double squares = 0;
  for (double value : x)
    squares += value * value;
  double root = std::sqrt(squares / static_cast<double>(x.size()) + eps);
  Features y(x.size());
  for (size_t i = 0; i < y.size(); ++i)
    y[i] = weight.values[i] * x[i] / root;
  return y;
}

/// Whether `window` gives `position` of a row of `length` tokens to attention.
bool isAttention(WindowAttr window, int64_t position, int64_t length) {
  if (!window.getByCall()) {
    int64_t behind = (position - window.getStart() + window.getPeriod()) % window.getPeriod();
    return behind < window.getCount();
  }
  int64_t scaled = length * window.getNumerator(), whole = window.getDenominator();
  int64_t count = scaled / whole + (window.getCeil() && scaled % whole != 0);
  return window.getLast() ? position >= length - count : position < count;
}

class Interpreter {
public:
  Interpreter(ModelOp model, const ParameterLookup &lookup) : model(model), lookup(lookup) {}

  Sequence run(const std::vector<std::vector<int32_t>> &ids);

private:
  using Map = llvm::function_ref<Features(const Features &)>;

  void runBlock(Block &block);
  void run(Operation &op);
  void run(GetParameterOp op);
  void run(BlockOp op);
  void run(SplitOp op);
  void run(ParallelOp op);
  void run(FuseOp op);
  void run(EmbeddingOp op);
  void run(SelectTokensOp op);
  void run(RMSNormOp op);
  void run(LinearOp op);
  void run(AddOp op);
  void run(SiLUOp op);
  void run(SwiGLUOp op);
  void run(SliceOp op);
  void run(AttentionOp op);
  void run(CausalConv1DOp op);
  void run(SelectiveScanOp op);

  WindowAttr windowOf(int64_t block) {
    return cast<WindowAttr>(model.getPlanAttr()[static_cast<unsigned>(block)]);
  }
  /// The result of mapping every token of `input`.
  Batch map(Value input, Map function) const;
  /// a and b combined element by element.
  Batch zip(Value a, Value b, llvm::function_ref<double(double, double)> function) const;
  Features runLinear(LinearOp op, Features x, unsigned result) const;

  ModelOp model;
  const ParameterLookup &lookup;
  const std::vector<std::vector<int32_t>> *ids = nullptr;
  llvm::DenseMap<Value, Batch> tokens;
  llvm::DenseMap<Value, Matrix> parameters;
};

} // namespace

Batch Interpreter::map(Value input, Map function) const {
  Batch result;
  for (const Sequence &sequence : tokens.at(input)) {
    Sequence &mapped = result.emplace_back();
    for (const Features &features : sequence)
      mapped.push_back(function(features));
  }
  return result;
}

Batch Interpreter::zip(Value a, Value b,
                       llvm::function_ref<double(double, double)> function) const {
  Batch result = tokens.at(a);
  const Batch &other = tokens.at(b);
  for (size_t row = 0; row < result.size(); ++row)
    for (size_t token = 0; token < result[row].size(); ++token)
      for (size_t i = 0; i < result[row][token].size(); ++i)
        result[row][token][i] = function(result[row][token][i], other[row][token][i]);
  return result;
}

//===----------------------------------------------------------------------===//
// Structure
//===----------------------------------------------------------------------===//

Sequence Interpreter::run(const std::vector<std::vector<int32_t>> &call) {
  ids = &call;
  auto forward = model.lookupSymbol<func::FuncOp>("forward");
  Block &body = forward.getBody().front();
  runBlock(body);
  return tokens.at(body.getTerminator()->getOperand(0)).front();
}

void Interpreter::runBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    run(op);
}

void Interpreter::run(Operation &op) {
  llvm::TypeSwitch<Operation *>(&op)
      .Case<GetParameterOp, BlockOp, SplitOp, ParallelOp, FuseOp, EmbeddingOp, SelectTokensOp,
            RMSNormOp, LinearOp, AddOp, SiLUOp, SwiGLUOp, SliceOp, AttentionOp, CausalConv1DOp,
            SelectiveScanOp>([&](auto known) { run(known); })
      .Default([](Operation *other) {
        llvm::report_fatal_error("no definition of " + other->getName().getStringRef());
      });
}

void Interpreter::run(GetParameterOp op) {
  auto parameter = model.lookupSymbol<ParameterOp>(op.getName());
  Matrix matrix = {lookup(parameter), static_cast<size_t>(parameter.getType().getDimSize(0)), 0};
  matrix.columns = matrix.values.size() / matrix.rows;
  parameters[op.getResult()] = std::move(matrix);
}

void Interpreter::run(BlockOp op) {
  Block &body = op.getBody().front();
  runBlock(body);
  Batch result = tokens.at(body.getTerminator()->getOperand(0));
  tokens[op.getResult()] = std::move(result);
}

void Interpreter::run(SplitOp op) {
  WindowAttr window = windowOf(static_cast<int64_t>(*op.getBlock()));
  Batch attention, ssm;
  for (const Sequence &sequence : tokens.at(op.getInput())) {
    attention.emplace_back();
    ssm.emplace_back();
    auto length = static_cast<int64_t>(sequence.size());
    for (int64_t position = 0; position < length; ++position) {
      if (window.isAll() || isAttention(window, position, length))
        attention.back().push_back(sequence[position]);
      if (window.isAll() || !isAttention(window, position, length))
        ssm.back().push_back(sequence[position]);
    }
  }
  tokens[op.getAttention()] = std::move(attention);
  tokens[op.getSsm()] = std::move(ssm);
}

void Interpreter::run(ParallelOp op) {
  for (auto [region, result] : llvm::zip(op.getBranches(), op.getOutputs())) {
    runBlock(region.front());
    Batch branch = tokens.at(region.front().getTerminator()->getOperand(0));
    tokens[result] = std::move(branch);
  }
}

void Interpreter::run(FuseOp op) {
  Batch joined = tokens.at(op.getInputs()[0]);
  bool isFeatures = op.getKind() == FuseKind::Features;
  WindowAttr window = isFeatures ? WindowAttr() : windowOf(static_cast<int64_t>(*op.getBlock()));
  for (Value input : op.getInputs().drop_front()) {
    const Batch &other = tokens.at(input);
    for (size_t row = 0; row < joined.size(); ++row) {
      if (isFeatures) {
        for (size_t token = 0; token < joined[row].size(); ++token)
          joined[row][token].insert(joined[row][token].end(), other[row][token].begin(),
                                    other[row][token].end());
        continue;
      }
      auto length = static_cast<int64_t>(joined[row].size() + other[row].size());
      Sequence merged;
      auto fromAttention = joined[row].begin();
      auto fromSSM = other[row].begin();
      for (int64_t position = 0; position < length; ++position)
        merged.push_back(isAttention(window, position, length) ? *fromAttention++ : *fromSSM++);
      joined[row] = std::move(merged);
    }
  }
  const Matrix &weight = parameters.at(op.getWeight());
  for (Sequence &sequence : joined)
    for (Features &features : sequence)
      features = multiply(features, weight);
  tokens[op.getResult()] = std::move(joined);
  if (op.getResidual())
    tokens[op.getResult()] = zip(op.getResult(), op.getResidual(), std::plus<double>());
}

void Interpreter::run(EmbeddingOp op) {
  const Matrix &table = parameters.at(op.getTable());
  Batch result;
  for (const std::vector<int32_t> &row : *ids) {
    Sequence &sequence = result.emplace_back();
    for (int32_t id : row) {
      auto begin = table.values.begin() + id * static_cast<int64_t>(table.columns);
      sequence.emplace_back(begin, begin + static_cast<int64_t>(table.columns));
    }
  }
  tokens[op.getResult()] = std::move(result);
}

void Interpreter::run(SelectTokensOp op) {
  Batch all(1);
  for (const Sequence &sequence : tokens.at(op.getInput()))
    all.front().insert(all.front().end(), sequence.begin(), sequence.end());
  tokens[op.getResult()] = std::move(all);
}

//===----------------------------------------------------------------------===//
// Token by token
//===----------------------------------------------------------------------===//

void Interpreter::run(RMSNormOp op) {
  double eps = op.getEps().convertToDouble();
  int64_t column = 0;
  for (auto [weight, result] : llvm::zip(op.getWeights(), op.getOutputs())) {
    const Matrix &matrix = parameters.at(weight);
    auto size = static_cast<int64_t>(matrix.values.size());
    tokens[result] = map(op.getInput(), [&](const Features &x) {
      return norm({x.begin() + column, x.begin() + column + size}, matrix, eps);
    });
    column += size;
  }
}

Features Interpreter::runLinear(LinearOp op, Features x, unsigned result) const {
  if (op.getNorm())
    x = norm(x, parameters.at(op.getNorm()), op.getEps()->convertToDouble());
  Features y = multiply(x, parameters.at(op.getWeights()[result]));
  for (size_t i = 0; op.getBias() && i < y.size(); ++i)
    y[i] += parameters.at(op.getBias()).values[i];
  for (size_t i = 0; op.getActivation() && i < y.size(); ++i)
    y[i] = silu(y[i]);
  for (size_t i = 0; op.getActivation() == Activation::SwiGLU && i < y.size(); ++i)
    y[i] *= dot(x, parameters.at(op.getWeights()[1]), i);
  return y;
}

void Interpreter::run(LinearOp op) {
  for (unsigned i = 0; i < op.getNumResults(); ++i)
    tokens[op.getResult(i)] =
        map(op.getInput(), [&](const Features &x) { return runLinear(op, x, i); });
  if (op.getResidual())
    tokens[op.getResult(0)] = zip(op.getResult(0), op.getResidual(), std::plus<double>());
}

void Interpreter::run(AddOp op) {
  tokens[op.getResult()] = zip(op.getLhs(), op.getRhs(), std::plus<double>());
}

void Interpreter::run(SiLUOp op) {
  tokens[op.getResult()] =
      zip(op.getInput(), op.getInput(), [](double x, double) { return silu(x); });
}

void Interpreter::run(SwiGLUOp op) {
  tokens[op.getResult()] = zip(op.getGate(), op.getValue(),
                               [](double gate, double value) { return silu(gate) * value; });
}

void Interpreter::run(SliceOp op) {
  auto offset = static_cast<int64_t>(op.getOffset());
  int64_t size = op.getResult().getType().getShape().back();
  tokens[op.getResult()] = map(op.getInput(), [&](const Features &x) {
    return Features(x.begin() + offset, x.begin() + offset + size);
  });
}

//===----------------------------------------------------------------------===//
// Along the sequence
//===----------------------------------------------------------------------===//

void Interpreter::run(AttentionOp op) {
  const Batch &queries = tokens.at(op.getQuery()), &keys = tokens.at(op.getKey()),
              &values = tokens.at(op.getValue());
  Batch result = queries;
  size_t heads = op.getHeads(), group = heads / op.getKvHeads();
  size_t size = op.getQuery().getType().getShape().back() / heads;
  for (size_t row = 0; row < result.size(); ++row)
    for (size_t token = 0; token < result[row].size(); ++token)
      for (size_t head = 0; head < heads; ++head) {
        size_t own = head * size, shared = head / group * size;
        std::vector<double> weights(token + 1);
        for (size_t seen = 0; seen <= token; ++seen)
          for (size_t i = 0; i < size; ++i)
            weights[seen] += queries[row][token][own + i] * keys[row][seen][shared + i];
        double sum = 0, largest = *llvm::max_element(weights);
        for (double &weight : weights)
          sum += weight = std::exp((weight - largest) / std::sqrt(static_cast<double>(size)));
        for (size_t i = 0; i < size; ++i) {
          double mixed = 0;
          for (size_t seen = 0; seen <= token; ++seen)
            mixed += weights[seen] / sum * values[row][seen][shared + i];
          result[row][token][own + i] = mixed;
        }
      }
  tokens[op.getResult()] = std::move(result);
}

void Interpreter::run(CausalConv1DOp op) {
  const Batch &input = tokens.at(op.getInput());
  const Matrix &weight = parameters.at(op.getWeight());
  Batch result = input;
  for (size_t row = 0; row < result.size(); ++row)
    for (size_t token = 0; token < result[row].size(); ++token)
      for (size_t channel = 0; channel < weight.rows; ++channel) {
        double sum = op.getBias() ? parameters.at(op.getBias()).values[channel] : 0;
        for (size_t back = 0; back < weight.columns && back <= token; ++back)
          sum += weight.at(channel, weight.columns - 1 - back) * input[row][token - back][channel];
        result[row][token][channel] = op.getActivation() ? silu(sum) : sum;
      }
  tokens[op.getResult()] = std::move(result);
}

void Interpreter::run(SelectiveScanOp op) {
  const Batch &u = tokens.at(op.getInput()), &delta = tokens.at(op.getDelta()),
              &b = tokens.at(op.getB()), &c = tokens.at(op.getC());
  const Matrix &aLog = parameters.at(op.getALog()), &d = parameters.at(op.getD());
  Batch result = u;
  for (size_t row = 0; row < result.size(); ++row)
    for (size_t channel = 0; channel < aLog.rows; ++channel) {
      std::vector<double> state(aLog.columns);
      for (size_t token = 0; token < result[row].size(); ++token) {
        double step = softplus(delta[row][token][channel]), x = u[row][token][channel];
        double y = d.values[channel] * x;
        for (size_t i = 0; i < state.size(); ++i) {
          double decay = std::exp(-step * std::exp(aLog.at(channel, i)));
          state[i] = decay * state[i] + step * b[row][token][i] * x;
          y += state[i] * c[row][token][i];
        }
        if (op.getGate())
          y *= silu(tokens.at(op.getGate())[row][token][channel]);
        result[row][token][channel] = y;
      }
    }
  tokens[op.getResult()] = std::move(result);
}

Sequence mlir::flowhn::interpret(ModelOp model, const ParameterLookup &lookup,
                                 const std::vector<std::vector<int32_t>> &ids) {
  return Interpreter(model, lookup).run(ids);
}
