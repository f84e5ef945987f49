// Options that no model can have are refused with what was given.
// RUN: not flowhn-opt %s --flowhn-choose-split="strategy=best" 2>&1 | FileCheck %s --check-prefix=STRATEGY
// RUN: not flowhn-opt %s --flowhn-choose-split="circulation=round" 2>&1 | FileCheck %s --check-prefix=CIRCULATION
// RUN: not flowhn-opt %s --flowhn-choose-split="context=-1" 2>&1 | FileCheck %s --check-prefix=CONTEXT
// RUN: not flowhn-opt %s --flowhn-choose-split="context=4" 2>&1 | FileCheck %s --check-prefix=SHORT
// RUN: not flowhn-opt %s --flowhn-choose-split="attention-tokens=10" 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: not flowhn-opt %s --flowhn-choose-split="attention-tokens=-1" 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not flowhn-opt %s --flowhn-choose-split="attention-tokens=1,2,3" 2>&1 | FileCheck %s --check-prefix=COUNTS
// RUN: not flowhn-opt %s --flowhn-choose-split="strategy=ae attention-tokens=4" 2>&1 | FileCheck %s --check-prefix=AE
// RUN: not flowhn-opt %s --flowhn-choose-split="strategy=fa circulation=rotate" 2>&1 | FileCheck %s --check-prefix=FA

// STRATEGY: error: 'flowhn.model' op strategy must be none, ae, fa or fac, got 'best'
// CIRCULATION: error: 'flowhn.model' op circulation must be alternate or rotate, got 'round'
// CONTEXT: error: 'flowhn.model' op the context of a split must lie in 0..2147483647, got -1
// SHORT: error: 'flowhn.model' op attention_tokens must be at most the context 4, got 5
// COUNT: error: 'flowhn.model' op attention_tokens must be at most the context 9, got 10
// NEGATIVE: error: 'flowhn.model' op attention_tokens must not be negative, got -1
// COUNTS: error: 'flowhn.model' op attention_tokens must hold one count, or one per block, got 3 counts for 2 blocks
// AE: error: 'flowhn.model' op attention_tokens need strategy fa or fac, got ae
// FA: error: 'flowhn.model' op circulation needs strategy fac, got fa

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
