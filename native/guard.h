/* What every entry of the ABI shares: no exception leaves the library, and tensors cross as raw references. */
#ifndef OTOMASK_GUARD_H
#define OTOMASK_GUARD_H

#include <ATen/ATen.h>

#include <cstdint>
#include <exception>

namespace otomask {

void remember_error(const char* message) noexcept;

/* Runs body; turns any exception into status 1 and a message. */
template <class Body>
int32_t guarded(Body&& body) noexcept {
  try {
    body();
    return 0;
  } catch (const c10::Error& error) {
    remember_error(error.what_without_backtrace());
  } catch (const std::exception& error) {
    remember_error(error.what());
  } catch (...) {
    remember_error("unknown native failure");
  }
  return 1;
}

inline void* give(at::Tensor tensor) {
  return tensor.defined() ? tensor.unsafeReleaseTensorImpl() : nullptr;
}

/* A new reference to a tensor that the caller goes on owning. */
inline at::Tensor borrow(void* handle) {
  TORCH_CHECK(handle != nullptr, "a tensor is missing");
  return at::Tensor(c10::intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>::unsafe_reclaim_from_nonowning(
      static_cast<c10::TensorImpl*>(handle)));
}

}  // namespace otomask

#endif
