// 48 blocks of a rotating split differ in their windows and parameters alone: they
// call one function, each with segments of its own. Without materialised positions
// they stay apart, since a split then names its row of the plan.
// RUN: %python %S/Inputs/rotating_blocks.py 48 | flowhn-opt --flowhn-choose-split --flowhn-materialize-split --flowhn-outline-blocks -o %t
// RUN: FileCheck %s < %t
// RUN: %python %S/Inputs/rotating_blocks.py 48 | flowhn-opt --flowhn-outline-blocks | FileCheck %s --check-prefix=APART

//           CHECK: flowhn.model @rotating
//           CHECK: func.func private @block_0(
//       CHECK-NOT: func.func private
//           CHECK: func.func @forward
// CHECK-COUNT-48: call @block_0(
//       CHECK-NOT: call @

// APART-COUNT-48: func.func private @block_
//      APART-NOT: func.func private
