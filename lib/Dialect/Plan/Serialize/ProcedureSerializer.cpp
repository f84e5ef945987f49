//===- ProcedureSerializer.cpp - One procedure as commands ----------------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProcedureSerializer.h"

#include "Expressions.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::plan;
namespace fb = ::flowhn::fb;
using ::mlir::flowhn::TimesAttr;

static bool isIndex(Type type) { return isa<IndexType>(type); }
static bool isMemory(Type type) { return isa<MemRefType>(type); }

std::optional<fb::DType> mlir::plan::getDType(Type type) {
  if (type.isF32())
    return fb::DType::F32;
  if (type.isBF16())
    return fb::DType::BF16;
  if (type.isF16())
    return fb::DType::F16;
  if (type.isInteger(32))
    return fb::DType::I32;
  if (type.isInteger(8))
    return fb::DType::I8;
  return std::nullopt;
}

void ProcedureSerializer::define(Value value) {
  numbers[value] = isIndex(value.getType()) ? indexValues++ : memoryValues++;
}

std::vector<uint32_t> ProcedureSerializer::numbersOf(ValueRange values,
                                                     bool (*isKind)(Type)) const {
  std::vector<uint32_t> result;
  for (Value value : values)
    if (isKind(value.getType()))
      result.push_back(number(value));
  return result;
}

LogicalResult ProcedureSerializer::serialize(func::FuncOp procedure) {
  result.name = procedure.getName().str();
  for (BlockArgument argument : procedure.getArguments()) {
    if (!isIndex(argument.getType()) && !isMemory(argument.getType()))
      return procedure.emitOpError("argument ")
             << argument.getArgNumber() << " of a procedure must be an index or a memref, got "
             << argument.getType();
    define(argument);
  }
  result.index_args = indexValues;
  result.memory_args = memoryValues;
  if (!procedure.getBody().hasOneBlock())
    return procedure.emitOpError("is no straight line of ops, as procedures are");
  for (Operation &op : procedure.getBody().front())
    if (failed(serializeOp(&op)))
      return failure();
  return success();
}

LogicalResult ProcedureSerializer::serializeOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<arith::ConstantIndexOp, affine::AffineApplyOp, affine::AffineMinOp, affine::AffineMaxOp,
            GetParameterOp, GetStateOp, CacheRowsOp, ArenaOp, ViewOp, PartitionOp, LastRowsOp,
            LaunchOp, func::CallOp, ForkOp, JoinOp, TapOp>(
          [&](auto typed) { return serialize(typed); })
      .Case([](func::ReturnOp) { return success(); })
      .Default(
          [](Operation *other) { return other->emitOpError("has no place in a serialised plan"); });
}

LogicalResult ProcedureSerializer::compute(Operation *op, std::vector<fb::Instruction> expression) {
  fb::ComputeT command;
  command.expression = std::move(expression);
  add(std::move(command));
  define(op->getResult(0));
  return success();
}

SmallVector<int64_t> ProcedureSerializer::numbersOf(Operation *op) const {
  return llvm::map_to_vector(op->getOperands(),
                             [&](Value operand) -> int64_t { return number(operand); });
}

LogicalResult ProcedureSerializer::serialize(arith::ConstantIndexOp op) {
  return compute(op, serializeConstant(op.value()));
}

LogicalResult ProcedureSerializer::serialize(affine::AffineApplyOp op) {
  return compute(op, serializeMap(op.getAffineMap(), numbersOf(op)));
}

LogicalResult ProcedureSerializer::serialize(affine::AffineMinOp op) {
  return compute(op, serializeResults(op.getMap(), numbersOf(op), fb::Opcode::Min));
}

LogicalResult ProcedureSerializer::serialize(affine::AffineMaxOp op) {
  return compute(op, serializeResults(op.getMap(), numbersOf(op), fb::Opcode::Max));
}

LogicalResult ProcedureSerializer::serialize(GetParameterOp op) {
  fb::GetParameterT command;
  command.parameter = index.parameters.lookup(op.getName());
  add(std::move(command));
  define(op.getResult());
  return success();
}

LogicalResult ProcedureSerializer::serialize(GetStateOp op) {
  fb::GetStateT command;
  command.state = index.states.lookup(op.getName());
  add(std::move(command));
  define(op.getResult());
  return success();
}

LogicalResult ProcedureSerializer::serialize(CacheRowsOp op) {
  fb::CacheRowsT command;
  command.begin = number(op.getBegin());
  command.length = number(op.getLength());
  command.slots = number(op.getSlots());
  command.window = serializeWindow(op.getWindow());
  add(std::move(command));
  for (Value value : op->getResults())
    define(value);
  return success();
}

LogicalResult ProcedureSerializer::serialize(ArenaOp op) {
  fb::ArenaT command;
  command.name = op.getName().str();
  command.units = number(op.getUnits());
  command.bytes_per_unit = op.getBytesPerUnit();
  add(std::move(command));
  numbers[op.getResult()] = arenas++;
  return success();
}

LogicalResult ProcedureSerializer::serialize(ViewOp op) {
  auto type = cast<MemRefType>(op.getResult().getType());
  std::optional<fb::DType> dtype = getDType(type.getElementType());
  if (!dtype)
    return op.emitOpError("has an element type that no plan can hold: ") << type.getElementType();
  fb::ViewT command;
  command.arena = number(op.getArena());
  command.offset = op.getOffset();
  command.dtype = *dtype;
  command.row_bytes = *getRowBytes(type);
  add(std::move(command));
  define(op.getResult());
  return success();
}

std::unique_ptr<fb::Window> mlir::plan::serializeWindow(::mlir::flowhn::WindowAttr window) {
  if (window.isAll())
    return nullptr;
  return std::make_unique<fb::Window>(window.getStart(), window.getCount(), window.getPeriod(),
                                      window.getNumerator(), window.getDenominator(),
                                      window.getByCall(), window.getLast(), window.getCeil());
}

LogicalResult ProcedureSerializer::serialize(PartitionOp op) {
  fb::PartitionT command;
  command.begin = number(op.getBegin());
  command.length = number(op.getLength());
  command.window = serializeWindow(op.getWindow());
  add(std::move(command));
  for (Value value : op->getResults())
    define(value);
  return success();
}

LogicalResult ProcedureSerializer::serialize(LastRowsOp op) {
  fb::LastRowsT command;
  command.begin = number(op.getBegin());
  command.length = number(op.getLength());
  command.select = number(op.getSelect());
  command.window = serializeWindow(op.getWindow());
  add(std::move(command));
  for (Value value : op->getResults())
    define(value);
  return success();
}

static fb::Branch getBranch(std::optional<Branches> branch) {
  if (!branch)
    return fb::Branch::None;
  if (*branch == (Branches::Attention | Branches::SSM))
    return fb::Branch::Both;
  return *branch == Branches::Attention ? fb::Branch::Attention : fb::Branch::SSM;
}

LogicalResult ProcedureSerializer::serialize(LaunchOp op) {
  fb::LaunchT command;
  command.kernel = index.kernels.lookup(op.getKernel().getLeafReference());
  for (Value operand : op.getOperands())
    command.operands.push_back(number(operand));
  command.stream = op.getStream();
  command.branch = getBranch(op.getBranch());
  command.block = op.getBlock().value_or(-1);
  add(std::move(command));
  return success();
}

static fb::Schedule getSchedule(::mlir::flowhn::Schedule schedule) {
  switch (schedule) {
  case ::mlir::flowhn::Schedule::Serial:
    return fb::Schedule::Serial;
  case ::mlir::flowhn::Schedule::Streams:
    return fb::Schedule::Streams;
  case ::mlir::flowhn::Schedule::Grouped:
    return fb::Schedule::Grouped;
  }
  llvm_unreachable("every schedule is handled");
}

static std::unique_ptr<fb::Times> serializeTimes(TimesAttr times) {
  return std::make_unique<fb::Times>(
      times.getBatch(), times.getTokens(), times.getAttention(), times.getSsm(), times.getJoint(),
      times.getSerial(), times.getStreams(), times.getGrouped(), getSchedule(times.getSchedule()));
}

LogicalResult ProcedureSerializer::serialize(func::CallOp op) {
  auto callee = index.procedures.find(op.getCallee());
  if (callee == index.procedures.end())
    return op.emitOpError("calls '")
           << op.getCallee() << "', which is no procedure that comes earlier";
  if (op.getNumResults() != 0)
    return op.emitOpError("has results, and procedures return nothing");
  fb::CallT command;
  command.procedure = callee->second;
  command.index_operands = numbersOf(op.getOperands(), isIndex);
  command.memory_operands = numbersOf(op.getOperands(), isMemory);
  if (auto block = op->getAttrOfType<IntegerAttr>(::mlir::flowhn::blockIndexAttrName))
    command.block = block.getInt();
  if (auto times = op->getAttrOfType<TimesAttr>(::mlir::flowhn::timesAttrName))
    command.times = serializeTimes(times);
  add(std::move(command));
  return success();
}

LogicalResult ProcedureSerializer::serialize(ForkOp op) {
  fb::ForkT command;
  command.streams.assign(op.getStreams().begin(), op.getStreams().end());
  add(std::move(command));
  return success();
}

LogicalResult ProcedureSerializer::serialize(JoinOp op) {
  fb::JoinT command;
  command.streams.assign(op.getStreams().begin(), op.getStreams().end());
  add(std::move(command));
  return success();
}

LogicalResult ProcedureSerializer::serialize(TapOp op) {
  auto type = cast<MemRefType>(op.getBuffer().getType());
  std::optional<fb::DType> dtype = getDType(type.getElementType());
  std::optional<int64_t> rowBytes = getRowBytes(type);
  if (!dtype || !rowBytes)
    return op.emitOpError("taps a buffer that no plan can describe: ") << type;
  fb::TapT command;
  command.name = op.getName().str();
  command.rows = number(op.getRows());
  command.memory = number(op.getBuffer());
  command.row_elements = op.getWidth();
  command.row_bytes = *rowBytes;
  command.dtype = *dtype;
  add(std::move(command));
  return success();
}
