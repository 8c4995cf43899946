// Tensors in and out of memory.
#include <cstring>

#include "guard.h"
#include "otomask.h"

using namespace otomask;

OM_API int32_t om_free(void* tensor) {
  return guarded([&] {
    if (tensor) {
      c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::reclaim(static_cast<c10::TensorImpl*>(tensor));
    }
  });
}

OM_API int32_t om_from_memory(const void* data, const int64_t* sizes, int32_t dims, int32_t dtype, void** tensor) {
  return guarded([&] {
    at::Tensor made = at::empty(at::IntArrayRef(sizes, dims), static_cast<at::ScalarType>(dtype));
    std::memcpy(made.data_ptr(), data, made.nbytes());
    *tensor = give(std::move(made));
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

OM_API int32_t om_kind(void* tensor, int32_t* dtype, int32_t* device) {
  return guarded([&] {
    at::Tensor here = borrow(tensor);
    *dtype = static_cast<int32_t>(here.scalar_type());
    *device = static_cast<int32_t>(here.device().type()) << 8 | (here.device().index() + 1);
  });
}
