// A misspelt option is an error that lists what there is.
// RUN: not flowhn-opt %s --flowhn-schedule-branches=mode=parallel 2>&1 | FileCheck %s

// CHECK: error: flowhn-schedule-branches: 'mode' must be 'auto', 'streams' or 'serial', got 'parallel'
module {}
