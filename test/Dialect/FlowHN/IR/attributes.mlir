// The split and window attributes print as they were read; what is left out
// means the default and is left out again.
// RUN: flowhn-opt %s | flowhn-opt | FileCheck %s

// CHECK-LABEL: module attributes
module attributes {
  // CHECK-SAME: test.split00 = #flowhn.split<none>
  test.split00 = #flowhn.split<none>,
  // CHECK-SAME: test.split01 = #flowhn.split<ae>
  test.split01 = #flowhn.split<ae>,
  // CHECK-SAME: test.split02 = #flowhn.split<ae, alternate, by_call>
  test.split02 = #flowhn.split<ae, by_call, alternate>,
  // CHECK-SAME: test.split03 = #flowhn.split<fa, by_call>
  test.split03 = #flowhn.split<fa, by_call>,
  // CHECK-SAME: test.split04 = #flowhn.split<fa, context = 512>
  test.split04 = #flowhn.split<fa, context = 512>,
  // CHECK-SAME: test.split05 = #flowhn.split<fac, alternate, by_call, context = 512>
  test.split05 = #flowhn.split<fac, context = 512, alternate, by_call>,
  // CHECK-SAME: test.split06 = #flowhn.split<fac, rotate, context = 512, attention_tokens = [286, 12]>
  test.split06 = #flowhn.split<fac, attention_tokens = [286, 12], context = 512>,
  // CHECK-SAME: test.split07 = #flowhn.split<fac, rotate, context = 512>
  test.split07 = #flowhn.split<fac, context = 512, attention_tokens = []>,
  // CHECK-SAME: test.window0 = #flowhn.window<all>
  test.window0 = #flowhn.window<all>,
  // CHECK-SAME: test.window1 = #flowhn.window<start = 226, count = 286, period = 512>
  test.window1 = #flowhn.window<start = 226, count = 286, period = 512>,
  // CHECK-SAME: test.window2 = #flowhn.window<start = 0, count = 0, period = 1>
  test.window2 = #flowhn.window<start = 0, count = 0, period = 1>,
  // CHECK-SAME: test.window3 = #flowhn.window<first floor 59/100>
  test.window3 = #flowhn.window<first floor 59/100>,
  // CHECK-SAME: test.window4 = #flowhn.window<last ceil 1/2>
  test.window4 = #flowhn.window<last ceil 1/2>
} {}
