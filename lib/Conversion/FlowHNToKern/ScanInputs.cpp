//===- ScanInputs.cpp - What a scan reads, made by one kernel -------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Between the product in front of a scan and the scan four kernels follow each other: convolution,
// projection, norms, step sizes. In a call of few rows each takes little more than its launch;
// there one kernel does all of it, where the chip has one, and the four have 0 rows.
//
//===----------------------------------------------------------------------===//

#include "ScanInputs.h"

#include "flowhn/Analysis/BranchStretches.h"
#include "flowhn/Dialect/Kern/IR/KernFusedOps.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"

using namespace mlir;
using namespace mlir::flowhn;

/// The only user of `value`, or null.
template <typename OpTy> static OpTy getOnlyUser(Value value) {
  return value.hasOneUse() ? dyn_cast<OpTy>(*value.user_begin()) : OpTy();
}

/// Whether `op` is a product with one parameter, and with a bias or without.
static bool isPlainProduct(LinearOp op, bool hasBias) {
  return op && op.getWeights().size() == 1 && !op.getNorm() && bool(op.getBias()) == hasBias &&
         !op.getResidual() && !op.getActivation();
}

/// The product of the convolution's result that leads to the scan's other inputs.
static LinearOp getProjection(CausalConv1DOp convolution) {
  for (Operation *user : convolution.getResult().getUsers())
    if (auto product = dyn_cast<LinearOp>(user); isPlainProduct(product, /*hasBias=*/false))
      return product;
  return {};
}

/// Whether branches that share launches share one of `op`.
static bool sharesLaunch(LinearOp op) {
  auto parallel = dyn_cast<ParallelOp>(op->getParentOp());
  return parallel && parallel.getSchedule() == Schedule::Grouped &&
         llvm::any_of(alignBranches(parallel), [&](const BranchStretch &stretch) {
           return llvm::is_contained(stretch.products, op);
         });
}

std::optional<ScanInputs> ScanInputs::match(CausalConv1DOp convolution) {
  ScanInputs inputs;
  inputs.convolution = convolution;
  inputs.projection = getProjection(convolution);
  if (!inputs.projection || convolution.getState() || !convolution.getBias() ||
      convolution.getActivation() != Activation::SiLU)
    return std::nullopt;
  inputs.norm = getOnlyUser<RMSNormOp>(inputs.projection.getResult(0));
  if (!inputs.norm || inputs.norm.getResults().size() != 3 ||
      getFeatures(inputs.norm.getResult(1)) != getFeatures(inputs.norm.getResult(2)))
    return std::nullopt;
  inputs.delta = getOnlyUser<LinearOp>(inputs.norm.getResult(0));
  if (!isPlainProduct(inputs.delta, /*hasBias=*/true) || !inputs.endsInScan())
    return std::nullopt;
  if (sharesLaunch(inputs.projection) || sharesLaunch(inputs.delta))
    return std::nullopt;
  return inputs;
}

/// Whether all of the results are read by a scan alone, in the same block.
bool ScanInputs::endsInScan() {
  auto isScanned = [&](Value result) {
    return llvm::all_of(result.getUsers(), [&](Operation *user) {
      return user->getBlock() == convolution->getBlock() &&
             (user == projection || isa<SelectiveScanOp>(user));
    });
  };
  Block *block = convolution->getBlock();
  return projection->getBlock() == block && norm->getBlock() == block &&
         delta->getBlock() == block && isScanned(convolution.getResult()) &&
         isScanned(norm.getResult(1)) && isScanned(norm.getResult(2)) &&
         isScanned(delta.getResult(0));
}

std::vector<int64_t> ScanInputs::getRowBounds(const GPUTargetInfo &gpu) {
  Type type = getElementType(convolution.getResult());
  auto isOfType = [&](Value value) { return getElementType(value) == type; };
  if (type.getIntOrFloatBitWidth() != 16 || !isOfType(convolution.getInput()) ||
      !getElementType(projection.getResult(0)).isF32() ||
      !llvm::all_of(norm.getResults(), isOfType) || !isOfType(delta.getResult(0)))
    return {};
  return gpu.scanInputRowBounds(getFeatures(convolution.getResult()),
                                getFeatures(projection.getResult(0)));
}

namespace {
/// Launches the kernel that does in calls of few rows what the ops do.
class ScanInputsLauncher {
public:
  ScanInputsLauncher(ProcedureBuilder &procedure, ScanInputs inputs)
      : procedure(procedure), inputs(inputs), loc(inputs.convolution.getLoc()) {}

  /// Returns the tokens of the other calls.
  FailureOr<const TokenSpace *> launch();

private:
  /// What the kernel reads that is no tokens.
  struct Parameters {
    FailureOr<Value> convWeight, convBias, xWeight, norm, dtWeight, dtBias;
  };

  ProcedureBuilder &procedure;
  ScanInputs inputs;
  Location loc;

  Parameters getParameters();
  LogicalResult launch(const Tokens &input, const RowBucket &bucket);
  const TokenSpace *getRemaining(const TokenSpace &space, Value rows, int64_t bound);
};
} // namespace

ScanInputsLauncher::Parameters ScanInputsLauncher::getParameters() {
  CausalConv1DOp convolution = inputs.convolution;
  auto weights = [&](LinearOp op) {
    Type type = getElementType(op.getInput());
    ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getWeights().front().getType()).getShape();
    return procedure.getParameter(procedure.context.target.weights(llvm::to_vector(op.getWeights()),
                                                                   shape[0], shape[1],
                                                                   /*groups=*/1, type),
                                  op);
  };
  return {procedure.getParameter(getWeightUse(convolution), convolution),
          procedure.getParameter({{convolution.getBias()}}, convolution),
          weights(inputs.projection),
          procedure.getParameter({llvm::to_vector(inputs.norm.getWeights())}, inputs.norm),
          weights(inputs.delta),
          procedure.getParameter({{inputs.delta.getBias()}}, inputs.delta)};
}

LogicalResult ScanInputsLauncher::launch(const Tokens &input, const RowBucket &bucket) {
  auto [convWeight, convBias, xWeight, norm, dtWeight, dtBias] = getParameters();
  if (failed(convWeight) || failed(convBias) || failed(xWeight) || failed(norm) ||
      failed(dtWeight) || failed(dtBias))
    return failure();
  Tokens u = procedure.createResult(inputs.convolution.getResult(), input.space,
                                    /*canScatter=*/false);
  Tokens projections = procedure.createResults(inputs.norm.getResults(), input.space);
  Tokens delta = procedure.createResults(inputs.delta.getResults(), input.space);
  int64_t channels = getFeatures(inputs.convolution.getResult());
  int64_t rank = getFeatures(inputs.norm.getResult(0));
  int64_t states = getFeatures(inputs.norm.getResult(1));
  auto kernel = kern::ScanInputsOp::create(
      procedure.builder, loc, bucket.rows, input.space->batch, input.buffer, *convWeight, *convBias,
      *xWeight, *norm, *dtWeight, *dtBias, input.space->offsets, u.buffer, projections.buffer,
      delta.buffer, rank, states, APFloat(float(inputs.norm.getEps().convertToDouble())),
      input.column, u.column, projections.column, delta.column, bucket.maxRows,
      /*config=*/nullptr);
  procedure.launch(kernel, "scan_inputs_rows" + std::to_string(bucket.maxRows.getInt()) + "_" +
                               std::to_string(channels) + "x" + std::to_string(rank) + "x" +
                               std::to_string(states));
  return success();
}

/// The same tokens in calls of more rows than `bound`, no tokens in others.
const TokenSpace *ScanInputsLauncher::getRemaining(const TokenSpace &space, Value rows,
                                                   int64_t bound) {
  const TokenSpace *&remaining = procedure.remainingSpaces[{&space, bound}];
  if (remaining)
    return remaining;
  OpBuilder &builder = procedure.builder;
  Value operands[] = {space.maxLength, createExceeds(builder, loc, space.rows, bound)};
  AffineMap where =
      AffineMap::get(0, 2, builder.getAffineSymbolExpr(0) * builder.getAffineSymbolExpr(1));
  Value maxLength = affine::AffineApplyOp::create(builder, loc, where, ValueRange(operands));
  return remaining = procedure.createSpace(
             {space.batch, rows, maxLength, space.offsets, /*minRows=*/bound + 1});
}

FailureOr<const TokenSpace *> ScanInputsLauncher::launch() {
  CausalConv1DOp convolution = inputs.convolution;
  FailureOr<Tokens> input = procedure.getDenseTokens(convolution.getInput(), convolution);
  if (failed(input) ||
      failed(procedure.checkLength(convolution.getLength(), input->space, convolution)))
    return failure();
  std::vector<int64_t> bounds = inputs.getRowBounds(*procedure.context.target.gpu);
  ArrayRef<RowBucket> buckets = getRowBuckets(procedure, loc, *input->space, bounds);
  for (const RowBucket &bucket : buckets.drop_back())
    if (failed(launch(*input, bucket)))
      return failure();
  return getRemaining(*input->space, buckets.back().rows, bounds.back());
}

/// The ops by themselves, for the tokens that remain.
static LogicalResult convertByThemselves(ProcedureBuilder &procedure, const ScanInputs &inputs,
                                         const TokenSpace *remaining) {
  CausalConv1DOp convolution = inputs.convolution;
  Operation *behind[] = {inputs.projection, inputs.norm, inputs.delta};
  const TokenSpace *space = procedure.spaceOf.lookup(convolution.getLength());
  procedure.launchedSpaces[space] = remaining;
  bool converted =
      succeeded(convertConvolution(procedure, convolution)) &&
      llvm::all_of(behind, [&](Operation *op) { return succeeded(procedure.convert(op)); });
  procedure.launchedSpaces.erase(space);
  procedure.converted.insert_range(behind);
  return success(converted);
}

LogicalResult mlir::flowhn::convertOp(ProcedureBuilder &procedure, CausalConv1DOp op) {
  const std::optional<GPUTargetInfo> &gpu = procedure.context.target.gpu;
  std::optional<ScanInputs> inputs = gpu ? ScanInputs::match(op) : std::nullopt;
  if (!inputs || inputs->getRowBounds(*gpu).empty())
    return convertConvolution(procedure, op);
  FailureOr<const TokenSpace *> remaining = ScanInputsLauncher(procedure, *inputs).launch();
  if (failed(remaining))
    return failure();
  return convertByThemselves(procedure, *inputs, *remaining);
}
