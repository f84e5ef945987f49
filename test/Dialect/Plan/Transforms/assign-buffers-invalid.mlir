// What has no order has no lifetimes: streams need forks and joins around them.
// RUN: flowhn-opt %s -split-input-file --plan-assign-buffers -verify-diagnostics

module @kernels {
  func.func @k(%rows: index) attributes {kern.kernel} { return }
}
func.func @unforked(%rows: index) {
  // expected-error @+1 {{needs a plan.fork of stream 1 before it}}
  plan.launch @kernels::@k(%rows) stream 1 : index
  return
}

// -----

// expected-error @+1 {{has a plan.fork without a plan.join}}
func.func @unjoined() {
  plan.fork [0, 1]
  return
}

// -----

func.func @nested() {
  plan.fork [0, 1]
  // expected-error @+1 {{needs the plan.join of the fork before it}}
  plan.fork [2]
  return
}

// -----

func.func @join() {
  // expected-error @+1 {{needs a plan.fork before it}}
  plan.join [0, 1]
  return
}

// -----

func.func private @callee() { return }
func.func @call() {
  plan.fork [0, 1]
  // expected-error @+1 {{needs to come before the plan.fork or behind its plan.join}}
  func.call @callee() : () -> ()
  plan.join [0, 1]
  return
}
