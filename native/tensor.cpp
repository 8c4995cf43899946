// Tensors in and out of memory.
#include <ATen/EmptyTensor.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <cstring>
#include <string>
#include <vector>

#include "guard.h"
#include "otomask.h"
#include "torch_since.h"

using namespace otomask;

namespace {

at::Tensor on_host(const om_array& array) {
  at::Tensor made = at::empty(at::IntArrayRef(array.sizes, array.dims), static_cast<at::ScalarType>(array.dtype));
  std::memcpy(made.data_ptr(), array.data, made.nbytes());
  return made;
}

size_t bytes_of(const om_array& array) {
  size_t bytes = c10::elementSize(static_cast<at::ScalarType>(array.dtype));
  for (int32_t i = 0; i < array.dims; i++) bytes *= array.sizes[i];
  return bytes;
}

// Memory of the host to fill, such as the device copies from by itself where it is one that can.
at::Tensor staging(int64_t bytes, c10::Device device) {
#if TORCH_SINCE(2, 6)
  // Not pin_memory(), which asks for the one accelerator of the process: that knows no backend without a name of its own.
  at::Allocator* allocator = at::globalContext().getAcceleratorHooksInterface(device.type()).getPinnedMemoryAllocator();
  if (allocator != nullptr)
    return at::detail::empty_generic({bytes}, allocator, c10::DispatchKeySet(c10::DispatchKey::CPU), at::kByte, std::nullopt);
#else
  static const auto pinning = c10::Dispatcher::singleton().findSchemaOrThrow("aten::_pin_memory", "");
  const c10::DispatchKey key = c10::computeDispatchKey(c10::nullopt, c10::nullopt, device);
  if (pinning.hasKernelForDispatchKey(key)) return at::empty({bytes}, at::kByte).pin_memory(device);
#endif
  return at::empty({bytes}, at::kByte);
}

// One piece for all: every copy to a device has its price, however short it is.
std::vector<at::Tensor> send(c10::ArrayRef<om_array> arrays, c10::Device device) {
  std::vector<at::Tensor> sent;
  if (device.is_cpu()) {
    for (const om_array& array : arrays) sent.push_back(on_host(array));
    return sent;
  }
  constexpr size_t alignment = 64;
  std::vector<size_t> offsets;
  size_t total = 0;
  for (const om_array& array : arrays) {
    offsets.push_back(total);
    total += (bytes_of(array) + alignment - 1) / alignment * alignment;
  }
  const at::Tensor packed = staging(static_cast<int64_t>(total), device);
  for (size_t i = 0; i < arrays.size(); i++)
    std::memcpy(packed.data_ptr<uint8_t>() + offsets[i], arrays[i].data, bytes_of(arrays[i]));
  const at::Tensor there = packed.to(device, at::kByte, /*non_blocking=*/true);
  for (size_t i = 0; i < arrays.size(); i++) {
    const om_array& array = arrays[i];
    sent.push_back(there.narrow(0, offsets[i], bytes_of(array)).view(static_cast<at::ScalarType>(array.dtype)).view(at::IntArrayRef(array.sizes, array.dims)));
  }
  return sent;
}

}  // namespace

OM_API int32_t om_free(void* tensor) {
  return guarded([&] {
    if (tensor) {
      c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<c10::TensorImpl*>(tensor));
    }
  });
}

OM_API int32_t om_from_memory(const void* data, const int64_t* sizes, int32_t dims, int32_t dtype, void** tensor) {
  return guarded([&] {
    *tensor = give(on_host({data, sizes, dims, dtype}));
  });
}

OM_API int32_t om_send(const om_array* arrays, int32_t count, const char* device, void** tensors) {
  return guarded([&] {
    const std::vector<at::Tensor> sent = send({arrays, static_cast<size_t>(count)}, c10::Device(device));
    for (int32_t i = 0; i < count; i++) tensors[i] = give(sent[i]);
  });
}

OM_API int32_t om_to_memory(void* tensor, void* data, int64_t bytes) {
  return guarded([&] {
    at::Tensor here = borrow(tensor).detach().to(at::kCPU).contiguous();
    TORCH_CHECK(static_cast<int64_t>(here.nbytes()) == bytes, "the tensor holds ", here.nbytes(), " bytes, not ", bytes);
    std::memcpy(data, here.data_ptr(), bytes);
  });
}

OM_API int32_t om_data(void* tensor, void** data) {
  return guarded([&] {
    at::Tensor here = borrow(tensor);
    TORCH_CHECK(here.device().is_cpu() && here.is_contiguous(), "only a contiguous tensor on the CPU lies in memory");
    *data = here.data_ptr();
  });
}

OM_API int32_t om_sizes(void* tensor, int64_t* sizes, int32_t capacity, int32_t* dims) {
  return guarded([&] {
    at::Tensor here = borrow(tensor);
    TORCH_CHECK(here.dim() <= capacity, "a tensor of ", here.dim(), " dimensions has more than ", capacity);
    *dims = static_cast<int32_t>(here.dim());
    for (int32_t i = 0; i < *dims; i++) sizes[i] = here.size(i);
  });
}

OM_API int32_t om_dtype(void* tensor, int32_t* dtype) {
  return guarded([&] { *dtype = static_cast<int32_t>(borrow(tensor).scalar_type()); });
}

OM_API int32_t om_device(void* tensor, const char** name) {
  return guarded([&] {
    static thread_local std::string text;
    text = borrow(tensor).device().str();
    *name = text.c_str();
  });
}
