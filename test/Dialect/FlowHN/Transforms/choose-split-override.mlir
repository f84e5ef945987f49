// Options go before what the model says and are written back into it; since the
// count is part of the model, a warning tells that the function changes, and only
// when it does.
// RUN: flowhn-opt %s --flowhn-choose-split="attention-tokens=6" 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: flowhn-opt %s --flowhn-choose-split="attention-tokens=6,7" 2>&1 | FileCheck %s --check-prefix=COUNTS
// RUN: flowhn-opt %s --flowhn-choose-split="strategy=fa" 2>&1 | FileCheck %s --check-prefix=STRATEGY
// RUN: flowhn-opt %s --flowhn-choose-split="strategy=ae" 2>&1 | FileCheck %s --check-prefix=AE
// RUN: flowhn-opt %s --flowhn-choose-split="circulation=alternate context=12" 2>&1 | FileCheck %s --check-prefix=CONTEXT
// RUN: flowhn-opt %s --flowhn-choose-split="strategy=fac circulation=rotate context=9 attention-tokens=5" 2>&1 | FileCheck %s --check-prefix=SAME --implicit-check-not=warning

// COUNT: warning: overriding the split changes the function of the model: #flowhn.split<fac, rotate, context = 9, attention_tokens = [5]> -> #flowhn.split<fac, rotate, context = 9, attention_tokens = [6]> (attention tokens: 5 -> 6)
// COUNT: flowhn.model @model split<fac, rotate, context = 9, attention_tokens = [6]> plan [#flowhn.window<start = 3, count = 6, period = 9>, #flowhn.window<start = 6, count = 6, period = 9>]

// COUNTS: warning: {{.*}} (attention tokens: 5 -> [6, 7])
// COUNTS: flowhn.model @model split<fac, rotate, context = 9, attention_tokens = [6, 7]> plan [#flowhn.window<start = 3, count = 6, period = 9>, #flowhn.window<start = 5, count = 7, period = 9>]

// The count is kept, the positions change: a change of the function as well.
// STRATEGY: warning: {{.*}} -> #flowhn.split<fa, context = 9, attention_tokens = [5]> (attention tokens: 5 -> 5)
// STRATEGY: flowhn.model @model split<fa, context = 9, attention_tokens = [5]> plan [#flowhn.window<start = 0, count = 5, period = 9>, #flowhn.window<start = 0, count = 5, period = 9>]

// ae has its own counts; those of the model go.
// AE: warning: {{.*}} (attention tokens: 5 -> [5, 4])
// AE: flowhn.model @model split<ae, context = 9> plan [#flowhn.window<start = 4, count = 5, period = 9>, #flowhn.window<start = 0, count = 4, period = 9>]

// CONTEXT: warning: {{.*}} (attention tokens: 5 -> 5)
// CONTEXT: flowhn.model @model split<fac, alternate, context = 12, attention_tokens = [5]> plan [#flowhn.window<start = 7, count = 5, period = 12>, #flowhn.window<start = 0, count = 5, period = 12>]

// SAME: flowhn.model @model split<fac, rotate, context = 9, attention_tokens = [5]> plan [#flowhn.window<start = 4, count = 5, period = 9>, #flowhn.window<start = 8, count = 5, period = 9>]

flowhn.model @model split<fac, rotate, context = 9, attention_tokens = [5]> {
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
