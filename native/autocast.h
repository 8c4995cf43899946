/* Autocast of the calling thread: libtorch 2.4 renamed its functions. */
#ifndef OTOMASK_AUTOCAST_H
#define OTOMASK_AUTOCAST_H

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "torch_since.h"

namespace otomask {

/* Whether products on a kind of device run in another type, and in which. */
struct Autocast {
  bool enabled;
  at::ScalarType type;
};

/* Whether products on a kind of device have such a way at all: only from 2.1 on may one that PyTorch does not know. */
inline bool has_autocast(c10::DeviceType device) {
  static const auto product = c10::Dispatcher::singleton().findSchemaOrThrow("aten::addmm", "");
  const c10::DispatchKey key = c10::computeDispatchKey(c10::nullopt, c10::nullopt, c10::Device(device));
  const auto keys = c10::getAutocastRelatedKeySetFromBackend(c10::toBackendComponent(key));
  return !keys.empty() && product.hasKernelForDispatchKey(keys.highestPriorityTypeId());
}

#if TORCH_SINCE(2, 4)

inline Autocast autocast_of(c10::DeviceType device) {
  return {at::autocast::is_autocast_enabled(device), at::autocast::get_autocast_dtype(device)};
}

inline void set_autocast(c10::DeviceType device, Autocast autocast) {
  at::autocast::set_autocast_dtype(device, autocast.type);
  at::autocast::set_autocast_enabled(device, autocast.enabled);
}

#else

inline Autocast autocast_of(c10::DeviceType device) {
  if (device == c10::kCPU) return {at::autocast::is_cpu_enabled(), at::autocast::get_autocast_cpu_dtype()};
  return {at::autocast::is_enabled(), at::autocast::get_autocast_gpu_dtype()};
}

inline void set_autocast(c10::DeviceType device, Autocast autocast) {
  if (device == c10::kCPU) {
    at::autocast::set_autocast_cpu_dtype(autocast.type);
    at::autocast::set_cpu_enabled(autocast.enabled);
  } else {
    at::autocast::set_autocast_gpu_dtype(autocast.type);
    at::autocast::set_enabled(autocast.enabled);
  }
}

#endif

}  // namespace otomask

#endif
