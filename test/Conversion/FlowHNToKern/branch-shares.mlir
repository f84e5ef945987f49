// The kernels' module says what parts of a call's tokens the branches have, in the mean of the blocks.
// RUN: flowhn-opt %s --split-input-file --convert-flowhn-to-kern="target=nvptx" | FileCheck %s

// CHECK: module @kernels attributes {kern.branch_shares = array<f64: 6.250000e-01, 3.750000e-01>}
flowhn.model @fixed split <fac, context = 64> plan [#flowhn.window<start = 0, count = 32, period = 64>, #flowhn.window<start = 32, count = 48, period = 64>] {
}

// -----

// CHECK: module @kernels attributes {kern.branch_shares = array<f64: 5.900000e-01, 0.41000000000000003>}
flowhn.model @by_call split <fa, by_call> plan [#flowhn.window<first floor 59/100>] {
}

// -----

// CHECK: module @kernels attributes {kern.branch_shares = array<f64: 1.000000e+00, 1.000000e+00>}
flowhn.model @all split <none> plan [#flowhn.window<all>] {
}

// -----

// CHECK: module @kernels {
flowhn.model @unplanned split <none> {
}
