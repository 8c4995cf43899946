// Operators by schema name, autograd and the machine's settings.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <malloc.h>
#include <torch/version.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include "autocast.h"
#include "guard.h"
#include "kernels.h"
#include "otomask.h"
#include "torch_since.h"

#if TORCH_SINCE(2, 9)
#include <c10/core/CachingDeviceAllocator.h>
#endif

namespace otomask {

static thread_local std::string last_error;
static std::atomic<bool> keeps_memory = false;

void remember_error(const char* message) noexcept {
  try {
    last_error = message;
  } catch (...) {
    // Out of memory while reporting: keep the older message.
  }
}

static bool asks_for(const c10::TypePtr& type, c10::TypeKind kind) {
  if (type->kind() == kind) return true;
  if (auto optional = type->cast<c10::OptionalType>()) return optional->getElementType()->kind() == kind;
  return false;
}

static bool asks_for_optional_tensors(const c10::TypePtr& type) {
  auto list = type->cast<c10::ListType>();
  return list && list->getElementType()->kind() == c10::TypeKind::OptionalType;
}

static c10::IValue to_tensor_list(const om_value& value, const c10::TypePtr& type) {
  if (asks_for_optional_tensors(type)) {
    c10::List<c10::optional<at::Tensor>> list;
    list.reserve(value.count);
    for (int32_t i = 0; i < value.count; i++) {
      list.push_back(value.tensors[i] ? c10::optional<at::Tensor>(borrow(value.tensors[i])) : c10::nullopt);
    }
    return list;
  }
  c10::List<at::Tensor> list;
  list.reserve(value.count);
  for (int32_t i = 0; i < value.count; i++) list.push_back(borrow(value.tensors[i]));
  return list;
}

static c10::IValue to_ivalue(const om_value& value, const c10::TypePtr& type) {
  switch (value.tag) {
    case OM_NONE:
      return {};
    case OM_TENSOR:
      return borrow(value.tensor);
    case OM_INT:
      // A whole number may stand where the schema wants a float.
      return asks_for(type, c10::TypeKind::FloatType) ? c10::IValue(static_cast<double>(value.integer))
                                                      : c10::IValue(value.integer);
    case OM_DOUBLE:
      return value.number;
    case OM_BOOL:
      return value.integer != 0;
    case OM_INT_LIST: {
      c10::List<int64_t> list;
      list.reserve(value.count);
      for (int32_t i = 0; i < value.count; i++) list.push_back(value.integers[i]);
      return list;
    }
    case OM_TENSOR_LIST:
      return to_tensor_list(value, type);
    case OM_STRING:
      if (asks_for(type, c10::TypeKind::DeviceObjType)) return c10::Device(value.text);
      return std::string(value.text);
    default:
      TORCH_CHECK(false, "unknown value tag ", value.tag);
  }
}

static void append_result(const c10::IValue& value, om_value* results, int32_t capacity, int32_t* produced) {
  if (value.isTensorList()) {
    for (const auto& tensor : value.toTensorVector()) append_result(tensor, results, capacity, produced);
    return;
  }
  TORCH_CHECK(*produced < capacity, "the operator returns more than ", capacity, " values");
  om_value& result = results[*produced];
  result = {};
  if (value.isTensor()) {
    result.tag = OM_TENSOR;
    result.tensor = give(value.toTensor());
  } else if (value.isInt()) {
    result.tag = OM_INT;
    result.integer = value.toInt();
  } else if (value.isDouble()) {
    result.tag = OM_DOUBLE;
    result.number = value.toDouble();
  } else if (value.isBool()) {
    result.tag = OM_BOOL;
    result.integer = value.toBool();
  } else {
    TORCH_CHECK(value.isNone(), "a result of type ", value.tagKind(), " cannot cross the bridge");
    result.tag = OM_NONE;
  }
  ++*produced;
}

static void free_results(om_value* results, int32_t produced) {
  for (int32_t i = 0; i < produced; i++) {
    if (results[i].tag == OM_TENSOR && results[i].tensor) om_free(results[i].tensor);
  }
}

}  // namespace otomask

using namespace otomask;

OM_API int32_t om_abi(void) { return OM_ABI; }

OM_API const char* om_last_error(void) { return last_error.c_str(); }

OM_API int32_t om_describe(const char** text) {
  return guarded([&] {
    static thread_local std::string description;
    description = "libtorch " TORCH_VERSION "\n" + at::get_parallel_info() +
                  (keeps_memory ? "Allocator keeps freed blocks\n" : "Allocator returns freed blocks\n");
    *text = description.c_str();
  });
}

OM_API int32_t om_find(const char* name, const char* overload, void** op) {
  return guarded([&] {
    auto found = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(found.has_value(), "this libtorch (", TORCH_VERSION, ") has no operator ", name, ".", overload);
    // Operators live as long as the process: the handle is never freed.
    *op = new c10::OperatorHandle(*found);
  });
}

OM_API int32_t om_call(void* op, const om_value* arguments, int32_t count, om_value* results, int32_t capacity,
                       int32_t* produced) {
  *produced = 0;
  int32_t status = guarded([&] {
    const auto& handle = *static_cast<c10::OperatorHandle*>(op);
    const auto& schema = handle.schema();
    const auto& expected = schema.arguments();
    TORCH_CHECK(static_cast<size_t>(count) <= expected.size(), schema.name(), " takes ", expected.size(),
                " arguments, not ", count);
    c10::Stack stack;
    stack.reserve(expected.size());
    for (size_t i = 0; i < expected.size(); i++) {
      if (i < static_cast<size_t>(count)) {
        stack.push_back(to_ivalue(arguments[i], expected[i].type()));
      } else {
        TORCH_CHECK(expected[i].default_value().has_value(), schema.name(), " needs its argument ",
                    expected[i].name());
        stack.push_back(*expected[i].default_value());
      }
    }
    handle.callBoxed(&stack);
    for (const auto& value : stack) append_result(value, results, capacity, produced);
  });
  if (status != 0) {
    free_results(results, *produced);
    *produced = 0;
  }
  return status;
}

OM_API int32_t om_backward(void* loss) {
  return guarded([&] { borrow(loss).backward(); });
}

OM_API int32_t om_grad(void* tensor, void** gradient) {
  return guarded([&] { *gradient = give(borrow(tensor).grad()); });
}

OM_API int32_t om_set_grad(void* tensor, void* gradient) {
  return guarded([&] { borrow(tensor).mutable_grad() = gradient ? borrow(gradient) : at::Tensor(); });
}

OM_API int32_t om_when_differentiated(void* tensor, void (*reached)(void* context, int32_t index), void* context, int32_t index,
                                      int32_t* watched) {
  return guarded([&] {
    const at::Tensor here = borrow(tensor);
    *watched = here.requires_grad();
    if (*watched) here.register_hook([=](const at::Tensor&) { reached(context, index); });
  });
}

OM_API int32_t om_set_grad_mode(int32_t enabled, int32_t* previous) {
  return guarded([&] {
    *previous = c10::GradMode::is_enabled();
    c10::GradMode::set_enabled(enabled != 0);
  });
}

OM_API int32_t om_set_autocast(const char* device, int32_t enabled, int32_t dtype) {
  return guarded([&] {
    set_autocast(c10::Device(device).type(), {enabled != 0, static_cast<at::ScalarType>(dtype)});
    // Weights cast once are remembered; the optimiser changes them between steps.
    if (!enabled) at::autocast::clear_cache();
  });
}

OM_API int32_t om_has_autocast(const char* device, int32_t* has) {
  return guarded([&] { *has = has_autocast(c10::Device(device).type()); });
}

OM_API int32_t om_keep_memory(void) {
  return guarded([] {
    // Activations are made and freed by the megabyte, step after step. By default glibc gives such blocks back to the system
    // each time and the kernel zeroes them anew; keeping them saves a tenth of a training step.
    constexpr int most_that_glibc_takes = 32 << 20;
    if (!mallopt(M_MMAP_THRESHOLD, most_that_glibc_takes) || !mallopt(M_TRIM_THRESHOLD, 1 << 30) || !mallopt(M_TOP_PAD, 64 << 20)) {
      throw std::runtime_error("the allocator takes no settings");
    }
    keeps_memory = true;
  });
}

OM_API int32_t om_end_before_destructors(void) {
  return guarded([] {
    // What is registered last is called first: all that was made until now is still whole then.
    const auto end = [](int status, void*) {
      std::fflush(nullptr);
      _exit(status);
    };
    if (on_exit(end, nullptr) != 0) throw std::runtime_error("the end of the process cannot be watched");
  });
}

OM_API int32_t om_set_threads(int32_t count) {
  return guarded([&] { at::set_num_threads(count); });
}

OM_API int32_t om_threads(int32_t* count) {
  return guarded([&] { *count = at::get_num_threads(); });
}

OM_API int32_t om_device_count(const char* device, int32_t* count) {
  return guarded([&] {
    const auto type = c10::Device(device).type();
    const auto* backend = c10::impl::device_guard_impl_registry[static_cast<size_t>(type)].load();
    *count = type == c10::kCPU ? 1 : backend ? backend->deviceCount() : 0;
  });
}

OM_API int32_t om_synchronize(const char* device) {
  return guarded([&] {
    const c10::Device where(device);
    if (where.is_cpu()) return;
    const c10::impl::VirtualGuardImpl backend(where.type());
    backend.synchronizeStream(backend.getStream(where));
  });
}

OM_API int32_t om_peak_memory(const char* device, int64_t* bytes) {
  return guarded([&] {
    *bytes = -1;
#if TORCH_SINCE(2, 9)
    const c10::Device where(device);
    auto* allocator = where.is_cpu() ? nullptr : dynamic_cast<c10::DeviceAllocator*>(c10::GetAllocator(where.type()));
    if (!allocator || !allocator->initialized()) return;
    *bytes = allocator->getDeviceStats(where.index()).reserved_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)].peak;
#else
    (void)device;
#endif
  });
}

OM_API int32_t om_set_tf32(int32_t allowed) {
  return guarded([&] { at::globalContext().setFloat32MatmulPrecision(std::string(allowed ? "high" : "highest")); });
}

OM_API int32_t om_kernels(int32_t* in_use, int32_t* best) {
  return guarded([&] {
    *in_use = static_cast<int32_t>(kernels_in_use());
    *best = static_cast<int32_t>(best_kernels());
  });
}

OM_API int32_t om_use_kernels(int32_t set) {
  return guarded([&] { use_kernels(static_cast<KernelSet>(set)); });
}

OM_API int32_t om_multiplies_pairs(int32_t* pairs) {
  return guarded([&] { *pairs = multiplies_pairs(); });
}

OM_API int32_t om_multiply_pairs(int32_t pairs) {
  return guarded([&] { multiply_pairs(pairs != 0); });
}

OM_API int32_t om_has_amx(int32_t* has) {
  return guarded([&] { *has = has_amx(); });
}

OM_API int32_t om_leave_bf16_to_aten(int32_t leave) {
  return guarded([&] { leave_bf16_to_aten(leave != 0); });
}
