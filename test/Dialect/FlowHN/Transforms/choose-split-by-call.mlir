// A model of the authors' layout follows the length of each call until a context
// stands for it: then the published fraction is taken of the context, and calls of
// other lengths are computed otherwise, which the warning says.
// RUN: flowhn-opt %s --flowhn-choose-split="context=9" 2>&1 | FileCheck %s
// RUN: not flowhn-opt %s --flowhn-choose-split="circulation=rotate" 2>&1 | FileCheck %s --check-prefix=ROTATE
// RUN: not flowhn-opt %s --flowhn-choose-split="attention-tokens=4" 2>&1 | FileCheck %s --check-prefix=COUNT

// CHECK: warning: {{.*}} #flowhn.split<fac, alternate, by_call> -> #flowhn.split<fac, alternate, by_call, context = 9> (attention tokens: 1/2 of each call -> 4)
// CHECK: flowhn.model @published split<fac, alternate, by_call, context = 9> plan [#flowhn.window<start = 5, count = 4, period = 9>, #flowhn.window<start = 0, count = 4, period = 9>]
// ROTATE: error: 'flowhn.model' op strategy fac, rotate needs a context length, got none
// COUNT: error: 'flowhn.model' op attention_tokens need a context to be counted in

flowhn.model @published split<fac, alternate, by_call> {
  func.func @forward(%x0: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
    %x1 = flowhn.block 0(%x0) {
      flowhn.yield %x0 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    %x2 = flowhn.block 1(%x1) {
      flowhn.yield %x1 : tensor<?x?x4xf32>
    } : tensor<?x?x4xf32>
    return %x2 : tensor<?x?x4xf32>
  }
}
