//===- MatmulHopper.cpp - Products by warpgroups and bulk copies ----------===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatmulHopper.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::kern;
using namespace mlir::kern::nvptx;
using mlir::flowhn::GPUTargetInfo;

/// Whether an epilogue reads a value for each element of the result.
static bool readsMatrix(MatmulOp op) {
  return llvm::any_of(op.getAccesses().getAsRange<AccessAttr>(),
                      [](AccessAttr access) { return isMatrix(access.getValue()); });
}

bool nvptx::canStoreTiles(MatmulOp op, int64_t columns) {
  return columns % 64 == 0 || (columns > 64 && columns % 8 == 0 && !readsMatrix(op));
}

HopperMatmulPlan::HopperMatmulPlan(MatmulOp op, int64_t tileRows, int64_t tileColumns,
                                   int64_t stages)
    : MatmulPlan(op, tileRows, tileColumns, stages) {
  // Scattered rows are no box.
  storesTiles = !op.getScatter() && canStoreTiles(op, outColumns()) &&
                !elementType(op.getOut()).isF32() && hasAlignedRows(op.getOut()) &&
                isAlignedColumn(op.getOut(), op.getOutColumn()) &&
                isAlignedColumn(op.getOut(), op.getOutColumn() + n);
}

/// In how many pieces a tile can be made: the most first. The copy engine stores 64 columns at a
/// time.
static ArrayRef<int64_t> piecesOfTile(int64_t columns) {
  static constexpr int64_t ofFour[] = {4, 2}, ofThree[] = {3}, ofTwo[] = {2};
  switch (columns) {
  case 256:
    return ofFour;
  case 192:
    return ofThree;
  case 128:
    return ofTwo;
  default:
    return {};
  }
}

int64_t HopperMatmulPlan::pieceColumns() const {
  ArrayRef<int64_t> pieces = piecesOfTile(outColumns());
  return pieces.empty() ? outColumns() : outColumns() / pieces.front();
}

static unsigned extentOf(Operation *op, MatmulOp product) {
  auto group = dyn_cast<GroupedMatmulOp>(op);
  return group ? group.getExtentOf(product) : 0;
}

HopperLaunchPlan::HopperLaunchPlan(Operation *op, ArrayRef<MatmulOp> members,
                                   const HopperTiling &tiling)
    : cluster(tiling.cluster), narrowColumns(tiling.narrowColumns),
      sharedProducts(tiling.sharedProducts), multicast(tiling.multicast) {
  for (MatmulOp member : members)
    products.push_back({member, extentOf(op, member),
                        HopperMatmulPlan(member, tiling.rows, tiling.columns, tiling.stages)});
  llvm::stable_sort(products, [](const HopperProduct &lhs, const HopperProduct &rhs) {
    return lhs.plan.kTiles() > rhs.plan.kTiles();
  });
}

bool HopperLaunchPlan::checksColumns() const {
  return llvm::any_of(products, [](const HopperProduct &product) {
    return !product.plan.storesTiles && product.plan.n % product.plan.outColumns() != 0;
  });
}

bool HopperLaunchPlan::movesResidual() const {
  return storesFloats() ||
         llvm::any_of(products, [](HopperProduct product) { return readsMatrix(product.op); });
}

ArrayRef<int64_t> HopperLaunchPlan::piecesOf(int64_t columns) const {
  ArrayRef<int64_t> pieces = piecesOfTile(columns);
  return pieces.size() > 1 && checksColumns() ? pieces.drop_front() : pieces;
}

bool HopperLaunchPlan::hasOneTile() const {
  return llvm::all_of(products,
                      [](const HopperProduct &product) { return product.plan.columnTiles() == 1; });
}

SmallVector<TileDivision, 3> HopperLaunchPlan::divisionsOf(int64_t columns) const {
  if (sharedProducts > 0)
    return {};
  if (cluster > 1 && hasOneTile())
    return {{1, cluster, sharedRounds()}};
  SmallVector<TileDivision, 3> divisions;
  ArrayRef<int64_t> pieces = piecesOf(columns);
  for (int64_t count : pieces)
    divisions.push_back({count, cluster});
  if (cluster > 1)
    divisions.push_back({pieces.back(), 1});
  return divisions;
}

SmallVector<int64_t, 2> HopperLaunchPlan::widths() const {
  SmallVector<int64_t, 2> widths = {first().outColumns()};
  if (narrowColumns)
    widths.push_back(narrowColumns);
  return widths;
}

SmallVector<int64_t, 3> HopperLaunchPlan::boxes() const {
  SmallVector<int64_t, 3> boxes;
  // Blocks that copy for each other have as many boxes each.
  int64_t copiers = first().groups % multicast == 0 ? 1 : multicast;
  for (int64_t columns : widths()) {
    boxes.push_back(columns / copiers);
    if (!divisionsOf(columns).empty())
      boxes.push_back(first().pieceColumns());
  }
  llvm::sort(boxes, std::greater<>());
  boxes.erase(llvm::unique(boxes), boxes.end());
  return boxes;
}

int64_t HopperLaunchPlan::boxOf(int64_t columns) const {
  SmallVector<int64_t, 3> boxes = this->boxes();
  return *llvm::find_if(boxes, [&](int64_t box) { return columns % box == 0; });
}

int64_t HopperLaunchPlan::depthOf(int64_t columns) const {
  constexpr int64_t depth = 2;
  // The first tile of a lies in its place, all others in that of b.
  int64_t partBytes = columns * first().groups * swizzledRowBytes;
  bool fits = (depth - 1) * first().aBytes() + depth * partBytes <= first().bBytes();
  // Every part has whole stages, also of a tile that a cluster shares.
  bool areWhole = llvm::all_of(products, [&](const HopperProduct &product) {
    return product.plan.kTiles() % (depth * cluster) == 0;
  });
  return fits && areWhole ? depth : 1;
}

bool HopperLaunchPlan::canBeNarrower() const {
  auto canHave = [&](const HopperProduct &product) {
    return narrowColumns % product.plan.pieceColumns() == 0 ||
           (product.plan.storesTiles && canStoreTiles(product.op, narrowColumns));
  };
  bool canBeShared = hasOneTile() ? narrowColumns % (8 * cluster) == 0
                                  : cluster == 1 || !piecesOf(narrowColumns).empty();
  return !checksColumns() && first().groups == 1 && canBeShared && narrowColumns > 0 &&
         narrowColumns < first().outColumns() && llvm::all_of(products, canHave);
}

bool HopperLaunchPlan::canMulticast() const {
  auto canCopy = [&](int64_t width) {
    return width % (8 * multicast) == 0 && width / boxOf(width) * first().groups % multicast == 0;
  };
  return (cluster == 1 || cluster == multicast) && sharedProducts == 0 && !hasOneTile() &&
         llvm::all_of(widths(), canCopy);
}

int64_t HopperLaunchPlan::barrierOffset() const {
  int64_t outBytes = 0;
  for (const HopperProduct &product : products)
    outBytes = std::max(outBytes, product.plan.outBytes());
  return first().outOffset() + outBytes;
}

int64_t HopperLaunchPlan::blocksAtOnce(const GPUTargetInfo &target) const {
  // Blocks of a cluster are neighbours, and some multiprocessors have none that are left.
  int64_t alone = clusterBlocks() > 2 ? 12 : 0;
  return (target.multiprocessors - alone) / clusterBlocks() * clusterBlocks();
}

int64_t HopperLaunchPlan::sharedRounds() const {
  // What blocks wait for each other, move and add takes as long as so many tiles in k.
  constexpr int64_t exchangeTiles = 8;
  int64_t whole = first().kTiles(), shared = llvm::divideCeil(whole, cluster) + exchangeTiles;
  return (whole - 1) / shared;
}

bool HopperLaunchPlan::canShare() const {
  // A wider tile's sums leave no registers for the exchange beside a residual.
  constexpr int64_t mostColumns = 192;
  const HopperMatmulPlan &tile = first();
  bool sharesWhole = hasOneTile() || sharedProducts > 0;
  bool fits = sharesWhole ? tile.tileColumns <= mostColumns : !piecesOf(tile.outColumns()).empty();
  return fits && tile.pieceColumns() % (8 * cluster) == 0 &&
         tile.tileRows * tile.tileColumns * 4 <= tile.stagesBytes() &&
         llvm::all_of(products, [&](const HopperProduct &product) {
           return product.plan.kTiles() >= cluster;
         });
}

SmallVector<MatmulOp, 2> nvptx::productsOf(Operation *op) {
  if (auto group = dyn_cast<GroupedMatmulOp>(op))
    return llvm::to_vector<2>(group.getMemberOps());
  return {cast<MatmulOp>(op)};
}

static HopperLaunchPlan planOf(Operation *op) {
  return HopperLaunchPlan(op, productsOf(op),
                          {.rows = configValue(op, "tile_rows"),
                           .columns = configValue(op, "tile_columns"),
                           .stages = configValue(op, "stages"),
                           .cluster = configValueOr(op, "cluster", 1),
                           .narrowColumns = configValueOr(op, "narrow_columns", 0),
                           .sharedProducts = configValueOr(op, "shared_products", 0),
                           .multicast = configValueOr(op, "multicast", 1)});
}

/// Blocks of a cluster at most: more are not sure to find room.
static constexpr int64_t maxCluster = 8;

static LogicalResult checkTiles(Operation *op, const GPUTargetInfo &target) {
  if (failed(checkConfig(op, {"tile_rows", "tile_columns", "stages"})))
    return failure();
  for (StringRef blocks : {"cluster", "multicast"})
    if (configValueOr(op, blocks, 1) < 1)
      return op->emitOpError("needs a positive '")
             << blocks << "' in its configuration, got " << configValueOr(op, blocks, 1);
  HopperLaunchPlan plan = planOf(op);
  const HopperMatmulPlan &tile = plan.products.front().plan;
  if (!target.isMatmulTile(tile.tileRows, tile.tileColumns, tile.groups))
    return op->emitOpError("has no tile of ")
           << tile.tileRows << " by " << tile.tileColumns << " on " << target.chip;
  if (plan.cluster > maxCluster || (plan.cluster > 1 && !plan.canShare()))
    return op->emitOpError("has no tiles that ") << plan.cluster << " blocks can share";
  if (plan.sharedProducts && !plan.canShareProducts())
    return op->emitOpError("cannot have clusters share the tiles of its first ")
           << plan.sharedProducts << " products";
  if (plan.multicast > maxCluster || (plan.multicast > 1 && !plan.canMulticast()))
    return op->emitOpError("has no tiles of 'b' that ")
           << plan.multicast << " blocks can copy for each other";
  if (plan.narrowColumns && !plan.canBeNarrower())
    return op->emitOpError("has no tiles of ")
           << plan.narrowColumns << " columns beside those of " << tile.tileColumns;
  return checkSharedBytes(op, plan.sharedBytes(), target);
}

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

/// Blocks that have anything to do, over the extents of the op: as many as there are pieces of
/// the widest tiles.
static AffineExpr countBlocks(const HopperLaunchPlan &plan, MLIRContext *context) {
  AffineExpr parts = getAffineConstantExpr(0, context);
  for (auto [index, product] : llvm::enumerate(plan.products))
    parts = parts + getAffineDimExpr(product.extent, context).ceilDiv(plan.tileRows()) *
                        product.plan.columnTiles() * plan.sharersOf(index);
  auto divisions = plan.divisionsOf(plan.widths().front());
  if (!divisions.empty())
    parts = parts * divisions.front().blocks();
  return parts.ceilDiv(plan.clusterBlocks()) * plan.clusterBlocks();
}

/// Blocks of the shortest launch whose blocks copy for each other, before what runs at a time
/// limits them.
static int64_t countMulticastBlocks(AffineMap grid, int64_t blocksAtOnce) {
  Builder builder(grid.getContext());
  Attribute rows = builder.getIndexAttr(HopperLaunchPlan::multicastRows + 1);
  SmallVector<Attribute> extents(grid.getNumDims(), rows), blocks;
  [[maybe_unused]] LogicalResult folded = grid.constantFold(extents, blocks);
  assert(succeeded(folded) && "constant extents");
  return std::max(cast<IntegerAttr>(blocks.front()).getInt(), blocksAtOnce);
}

FailureOr<GPULaunch> nvptx::emitHopperMatmul(Operation *op, GPUKernelBuilder &b) {
  if (failed(checkTiles(op, b.target)))
    return failure();
  HopperLaunchPlan plan = planOf(op);
  if (auto group = dyn_cast<GroupedMatmulOp>(op))
    useOperands(group);
  emitHopperBlock(b, plan);
  int64_t extents = llvm::count_if(op->getOperandTypes(), llvm::IsaPred<IndexType>);
  AffineMap grid = AffineMap::get(extents, 0, countBlocks(plan, op->getContext()));
  int64_t blocksAtOnce = plan.blocksAtOnce(b.target);
  return GPULaunch{grid,
                   blocksAtOnce,
                   plan.threads(),
                   plan.sharedBytes(),
                   b.target.matmulRate,
                   plan.clusterBlocks(),
                   plan.mayFormClusters() ? countMulticastBlocks(grid, blocksAtOnce) : 0};
}
