// A misspelt option is an error that lists what there is.
// RUN: not flowhn-opt %s --flowhn-schedule-branches=mode=parallel 2>&1 | FileCheck %s

// CHECK: error: flowhn-schedule-branches: 'mode' must be 'auto', 'grouped', 'streams' or 'serial', got 'parallel'
module {}
// RUN: not flowhn-opt %s --flowhn-schedule-branches="target=nvptx calibration=%t.none" 2>&1 | FileCheck %s --check-prefix=FILE
// RUN: not flowhn-opt %s --flowhn-schedule-branches="target=nvptx chip=sm_80 calibration=%S/Inputs/calibration.json" 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: not flowhn-opt %s --flowhn-schedule-branches="target=nvptx tokens=9" 2>&1 | FileCheck %s --check-prefix=TOKENS
// FILE: error: {{.*}}.none
// CHIP: calibration.json: the table is of 'sm_90a', not of 'sm_80'
// TOKENS: error: times are predicted for 1 to 65536 rows, of at most the context's 8 tokens, got 8 x 9
// RUN: not flowhn-opt %s --flowhn-schedule-branches="target=nvptx batch=65537" 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: error: times are predicted for 1 to 65536 rows, of at most the context's 8 tokens, got 65537 x 0
flowhn.model @m split<fac, rotate, context = 8> {
}
