//===- Resources.h - What the CUDA driver hands out -------------*- C++ -*-===//
//
// Part of the FlowHN project, under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FLOWHN_LIB_RUNTIME_CUDA_RESOURCES_H
#define FLOWHN_LIB_RUNTIME_CUDA_RESOURCES_H

#include "../Memory.h"
#include "../RoomyBytes.h"
#include "Driver.h"

#include <memory>
#include <utility>

namespace flowhn::cuda {

/// A handle of the driver's, given back with the object. Move-only; what is empty gives
/// nothing back. Objects must not outlive the context that they were made in, which is
/// current when they go.
template <typename Handle, Result (*Driver::*Destroy)(Handle)> class Owner {
public:
  Owner() = default;
  Owner(const Driver &driver, Handle handle) : driver(&driver), handle(handle) {}
  Owner(Owner &&other) noexcept
      : driver(other.driver), handle(std::exchange(other.handle, Handle())) {}
  Owner &operator=(Owner &&other) noexcept {
    std::swap(driver, other.driver);
    std::swap(handle, other.handle);
    return *this;
  }
  ~Owner() {
    if (handle)
      (driver->*Destroy)(handle);
  }

  Handle get() const { return handle; }
  explicit operator bool() const { return handle != Handle(); }

private:
  const Driver *driver = nullptr;
  Handle handle = Handle();
};

using Module = Owner<ModuleHandle, &Driver::moduleUnload>;
using Stream = Owner<StreamHandle, &Driver::streamDestroy>;
using Event = Owner<EventHandle, &Driver::eventDestroy>;
using Graph = Owner<GraphHandle, &Driver::graphDestroy>;
using GraphExec = Owner<GraphExecHandle, &Driver::graphExecDestroy>;

Expected<Stream> createStream(const Driver &driver);
Expected<Event> createEvent(const Driver &driver, bool hasTime);
/// Between two events with time that were recorded and are done.
Expected<double> secondsBetween(const Driver &driver, const Event &start, const Event &end);

/// Memory of the device, at least 256-byte aligned.
class DeviceMemory {
public:
  /// `purpose` is for the message when there is none; 0 bytes are no memory.
  static Expected<DeviceMemory> allocate(const Driver &driver, int64_t bytes,
                                         const std::string &purpose);

  DeviceAddress address() const { return memory.get(); }
  int64_t bytes() const { return memory ? length : 0; }

private:
  Owner<DeviceAddress, &Driver::memFree> memory;
  int64_t length = 0;
};

/// Memory of the host that the device copies from and to while the host does other work.
/// The driver registers huge pages several times faster than it allocates memory itself.
class PinnedMemory {
public:
  static Expected<PinnedMemory> allocate(const Driver &driver, int64_t bytes,
                                         const std::string &purpose);

  std::byte *data() const { return memory.data(); }
  int64_t bytes() const { return memory.bytes(); }

private:
  Memory memory;
  Owner<void *, &Driver::memHostUnregister> registration; ///< goes before the memory
};

/// Makes room in `memory` for `bytes`, more than that where it has to grow. The old
/// contents go.
template <typename Memory>
Status grow(const Driver &driver, Memory &memory, int64_t bytes, const std::string &purpose) {
  if (bytes <= memory.bytes())
    return {};
  int64_t roomy = roomyBytes(bytes, memory.bytes());
  memory = Memory(); // the old one goes before the new one comes
  Expected<Memory> grown = Memory::allocate(driver, roomy, purpose);
  if (!grown.ok() && roomy > bytes)
    grown = Memory::allocate(driver, bytes, purpose);
  FLOWHN_RETURN_IF_ERROR(grown.status());
  memory = std::move(*grown);
  return {};
}

/// The primary context of a device, shared with everyone in the process that uses it.
class Context {
public:
  /// NotFound when there is no such device.
  static Expected<Context> retain(const Driver &driver, int device);

  Context(Context &&other) noexcept
      : driver(other.driver), device(other.device), handle(std::exchange(other.handle, nullptr)) {}
  Context &operator=(Context &&) = delete;
  ~Context();

  /// Runs `body` with the context current in this thread.
  template <typename Body> auto with(const Body &body) const -> decltype(body()) {
    FLOWHN_RETURN_IF_ERROR(push());
    Popper popper{*driver};
    return body();
  }

private:
  struct Popper {
    const Driver &driver;
    ~Popper() {
      ContextHandle popped = nullptr;
      driver.contextPop(&popped);
    }
  };
  Context(const Driver &driver, Device device, ContextHandle handle)
      : driver(&driver), device(device), handle(handle) {}
  Status push() const;

  const Driver *driver;
  Device device;
  ContextHandle handle;
};

} // namespace flowhn::cuda

#endif // FLOWHN_LIB_RUNTIME_CUDA_RESOURCES_H
