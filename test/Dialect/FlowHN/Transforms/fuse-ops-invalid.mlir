// A misspelt option is an error that lists what there is.
// RUN: not flowhn-opt %s --flowhn-fuse-ops=norm=epilogue 2>&1 | FileCheck %s

// CHECK: error: flowhn-fuse-ops: 'norm' must be 'kernel' or 'prologue', got 'epilogue'
module {}
