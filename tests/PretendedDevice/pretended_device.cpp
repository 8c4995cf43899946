// A device that lies in host memory: libtorch's PrivateUse1 with two of them. Tensors come from an allocator of its own, a
// handful of operators are real, and all others run on the CPU and are copied there and back. So whatever mixes devices is
// an error, as on a GPU, and what crosses between host and device is counted.
#include "pretended_device.h"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_map>
#include <unordered_set>

#include "../../native/torch_since.h"

#if TORCH_SINCE(2, 6)
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <optional>
#endif
#if TORCH_SINCE(2, 9)
#include <c10/core/CachingDeviceAllocator.h>
#endif

namespace {

using at::Tensor;

#if TORCH_SINCE(2, 6)
template <class T>
using Optional = std::optional<T>;
#else
template <class T>
using Optional = c10::optional<T>;
#endif

constexpr c10::DeviceType Pretended = c10::DeviceType::PrivateUse1;
constexpr c10::DeviceIndex Devices = 2;

std::atomic<int64_t> copies_to_device, copies_to_host, waits;

// Operators that the device lacks run on the CPU; what that copies is not what the program copied.
thread_local bool runs_on_cpu = false;

void count(std::atomic<int64_t>& counter) {
  if (!runs_on_cpu) counter++;
}

// ---- Memory ----

void* allocate_bytes(size_t bytes) {
  void* data = bytes == 0 ? nullptr : std::aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (bytes != 0 && data == nullptr) throw std::bad_alloc();
  return data;
}

thread_local c10::DeviceIndex current = 0;

// What a device's memory holds, and has held at most.
struct Memory {
  int64_t held = 0, peak = 0;
};

std::mutex memory_gate;
Memory memories[Devices];
std::unordered_map<const void*, std::pair<c10::DeviceIndex, int64_t>> blocks;

// Bytes that a device has: PRETENDED_DEVICE_BYTES, or no end of them.
int64_t capacity() {
  static const char* bytes = std::getenv("PRETENDED_DEVICE_BYTES");
  return bytes == nullptr ? INT64_MAX : std::atoll(bytes);
}

void* allocate_on_device(size_t bytes) {
  const std::lock_guard<std::mutex> gate(memory_gate);
  Memory& memory = memories[current];
  const auto more = static_cast<int64_t>(bytes);
  TORCH_CHECK_WITH(OutOfMemoryError, memory.held + more <= capacity(), "pretended device out of memory. Tried to allocate ", more, " bytes.");
  void* data = allocate_bytes(bytes);
  if (data == nullptr) return data;
  memory.held += more;
  memory.peak = std::max(memory.peak, memory.held);
  blocks[data] = {current, more};
  return data;
}

void free_on_device(void* data) {
  {
    const std::lock_guard<std::mutex> gate(memory_gate);
    const auto block = blocks.find(data);
    if (block != blocks.end()) {
      memories[block->second.first].held -= block->second.second;
      blocks.erase(block);
    }
  }
  std::free(data);
}

#if TORCH_SINCE(2, 9)
using DeviceAllocator = c10::DeviceAllocator;
#else
using DeviceAllocator = c10::Allocator;
#endif

// What an allocator of host memory is to the versions of libtorch; Made has make().
template <class Made, class Base = c10::Allocator>
struct HostAllocator : Base {
#if TORCH_SINCE(2, 3)
  c10::DataPtr allocate(size_t bytes) override { return Made::make(bytes); }
  void copy_data(void* to, const void* from, size_t bytes) const override { std::memcpy(to, from, bytes); }
#else
  c10::DataPtr allocate(size_t bytes) const override { return Made::make(bytes); }
#endif
};

struct Allocator : HostAllocator<Allocator, DeviceAllocator> {
  c10::DeleterFnPtr raw_deleter() const override { return &free_on_device; }
  static c10::DataPtr make(size_t bytes) {
    void* data = allocate_on_device(bytes);
    return {data, data, &free_on_device, c10::Device(Pretended, current)};
  }
#if TORCH_SINCE(2, 9)
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex device) override {
    const std::lock_guard<std::mutex> gate(memory_gate);
    c10::CachingDeviceAllocator::DeviceStats stats;
    auto& reserved = stats.reserved_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)];
    reserved.current = memories[device].held;
    reserved.peak = memories[device].peak;
    return stats;
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override {}
#endif
};

// Host memory that a device could copy from while the program goes on.
std::mutex pinned_gate;
std::unordered_set<const void*> pinned;

void free_pinned(void* data) {
  {
    const std::lock_guard<std::mutex> gate(pinned_gate);
    pinned.erase(data);
  }
  std::free(data);
}

bool is_pinned_memory(const void* data) {
  const std::lock_guard<std::mutex> gate(pinned_gate);
  return pinned.count(data) > 0;
}

struct PinnedAllocator : HostAllocator<PinnedAllocator> {
  c10::DeleterFnPtr raw_deleter() const override { return &free_pinned; }
  static c10::DataPtr make(size_t bytes) {
    void* data = allocate_bytes(bytes);
    const std::lock_guard<std::mutex> gate(pinned_gate);
    if (data != nullptr) pinned.insert(data);
    return {data, data, &free_pinned, c10::Device(c10::kCPU)};
  }
};

Allocator allocator;
PinnedAllocator pinned_allocator;

// ---- Devices, streams and events ----

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return Pretended; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device before = getDevice();
    setDevice(device);
    return before;
  }
  c10::Device getDevice() const override { return {Pretended, current}; }
  void setDevice(c10::Device device) const override {
    TORCH_CHECK(device.type() == Pretended && device.index() < Devices, device, " is no pretended device");
    uncheckedSetDevice(device);
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override { current = device.index() < 0 ? current : device.index(); }
  c10::DeviceIndex deviceCount() const noexcept override { return Devices; }

  c10::Stream getStream(c10::Device device) const noexcept override { return stream_of(device); }
  c10::Stream getDefaultStream(c10::Device device) const override { return stream_of(device); }
  c10::Stream exchangeStream(c10::Stream stream) const noexcept override { return stream_of(stream.device()); }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override { count(waits); }
  void record(void** event, const c10::Stream&, const c10::DeviceIndex, const c10::EventFlag) const override { *event = nullptr; }
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
#if TORCH_SINCE(2, 6)
  void synchronizeEvent(void*) const override { count(waits); }
  void synchronizeDevice(const c10::DeviceIndex) const override { count(waits); }
#endif

 private:
  c10::Stream stream_of(c10::Device device) const noexcept {
    return c10::Stream(c10::Stream::DEFAULT, device.has_index() ? device : getDevice());
  }
};

C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);
[[maybe_unused]] const bool registered = [] {
  c10::SetAllocator(Pretended, &allocator);
  return true;
}();

#if TORCH_SINCE(2, 6)
struct Hooks final : at::PrivateUse1HooksInterface {
  void init() const override {}
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  bool isPinnedPtr(const void* data) const override { return is_pinned_memory(data); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return &pinned_allocator; }
};
[[maybe_unused]] const bool hooked = [] {
  c10::register_privateuse1_backend("privateuseone");  // autograd asks for the accelerator of the process, which is one by its name
  at::RegisterPrivateUse1HooksInterface(new Hooks());  // lives as long as the process
  return true;
}();
#endif

// ---- Operators ----

c10::DispatchKeySet keys() { return c10::DispatchKeySet(c10::DispatchKey::PrivateUse1); }

c10::Device device_of(Optional<c10::Device> device) { return device.value_or(c10::Device(Pretended, current)); }

Tensor empty(at::IntArrayRef sizes, Optional<at::ScalarType> type, Optional<at::Layout>, Optional<at::Device> device,
             Optional<bool>, Optional<at::MemoryFormat> format) {
  const c10::DeviceGuard guard(device_of(device));
  return at::detail::empty_generic(sizes, &allocator, keys(), type.value_or(at::kFloat), format);
}

Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides, Optional<at::ScalarType> type, Optional<at::Layout>,
                     Optional<at::Device> device, Optional<bool>) {
  const c10::DeviceGuard guard(device_of(device));
  return at::detail::empty_strided_generic(sizes, strides, &allocator, keys(), type.value_or(at::kFloat));
}

// The same memory, as the CPU sees it.
Tensor on_cpu(const Tensor& x) {
  return at::from_blob(x.data_ptr(), x.sizes(), x.strides(), x.options().device(at::kCPU).requires_grad(false));
}

Tensor copy_from(const Tensor& from, const Tensor& to, bool non_blocking) {
  if (from.device() != to.device()) {
    const bool leaves = to.is_cpu(), arrives = from.is_cpu();
    if (leaves) count(copies_to_host);
    if (arrives) count(copies_to_device);
    const Tensor& host = leaves ? to : from;
    if ((leaves || arrives) && !(non_blocking && is_pinned_memory(host.storage().data_ptr().get()))) count(waits);
  }
  if (to.numel() > 0) on_cpu(to).copy_(on_cpu(from));
  return to;
}

const Tensor& resize_(const Tensor& x, at::IntArrayRef sizes, Optional<at::MemoryFormat>) {
  auto* impl = x.unsafeGetTensorImpl();
  impl->set_sizes_contiguous(sizes);
  c10::Storage storage = x.storage();
  const size_t bytes = at::detail::computeStorageNbytesContiguous(sizes, x.element_size(), x.storage_offset());
  if (storage.nbytes() < bytes) {
    const c10::DeviceGuard guard(x.device());
    c10::DataPtr memory = allocator.allocate(bytes);
    if (storage.nbytes() > 0) std::memcpy(memory.get(), storage.data_ptr().get(), storage.nbytes());
    storage.set_data_ptr_noswap(std::move(memory));
    storage.set_nbytes(bytes);
  }
  return x;
}

Tensor copy_from_and_resize(const Tensor& from, const Tensor& to) {
  resize_(to, from.sizes(), {});
  return copy_from(from, to, false);
}

Tensor as_strided(const Tensor& x, at::IntArrayRef sizes, at::IntArrayRef strides, Optional<int64_t> offset) {
  return at::native::as_strided_tensorimpl(x, sizes, strides, offset);
}

Tensor view(const Tensor& x, at::IntArrayRef sizes) { return at::native::view(x, sizes); }

Tensor reshape_alias(const Tensor& x, at::IntArrayRef sizes, at::IntArrayRef strides) {
  return at::native::_reshape_alias(x, sizes, strides);
}

at::Scalar item(const Tensor& x) {
  count(copies_to_host);
  count(waits);
  return on_cpu(x).item();
}

#if !TORCH_SINCE(2, 6)
bool is_pinned(const Tensor& x, Optional<at::Device>) { return is_pinned_memory(x.storage().data_ptr().get()); }

Tensor pin_memory(const Tensor& x, Optional<at::Device>) {
  Tensor copy = at::detail::empty_generic(x.sizes(), &pinned_allocator, c10::DispatchKeySet(c10::DispatchKey::CPU), x.scalar_type(), {});
  copy.copy_(x);
  return copy;
}
#endif

// As a GPU's kernels do: tensors of one device, and beside them at most numbers (tensors of no dimension) of the host.
void require_one_device(const c10::OperatorHandle& op, const Tensor& x, Optional<at::Device>& device) {
  if (!x.defined() || (x.is_cpu() && x.dim() == 0)) return;
  TORCH_CHECK(!device || *device == x.device(), op.schema().name(), ": expected all tensors to be on the same device, but found ",
              *device, " and ", x.device());
  device = x.device();
}

struct Uncounted {
  bool before = runs_on_cpu;
  Uncounted() { runs_on_cpu = true; }
  ~Uncounted() { runs_on_cpu = before; }
};

void on_the_cpu(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  Optional<at::Device> device;
  for (const c10::IValue& argument : torch::jit::last(*stack, op.schema().arguments().size())) {
    if (argument.isTensor()) {
      require_one_device(op, argument.toTensor(), device);
    } else if (argument.isTensorList()) {
      for (const Tensor& x : argument.toTensorVector()) require_one_device(op, x, device);
    } else if (argument.isOptionalTensorList()) {
      for (const Optional<Tensor>& x : argument.toOptionalTensorVector())
        if (x) require_one_device(op, *x, device);
    }
  }
  const Uncounted uncounted;
  at::native::cpu_fallback(op, stack);
}

// Convolutions of such a device do not fall back: libtorch wants these two of whoever brings it.
Tensor convolution(const Tensor& input, const Tensor& weight, const c10::optional<Tensor>& bias, at::IntArrayRef stride,
                   at::IntArrayRef padding, at::IntArrayRef dilation, bool transposed, at::IntArrayRef output_padding, int64_t groups) {
  const Uncounted uncounted;
  const c10::optional<Tensor> bias_there = bias && bias->defined() ? c10::optional<Tensor>(bias->cpu()) : c10::nullopt;
  return at::convolution(input.cpu(), weight.cpu(), bias_there, stride, padding, dilation, transposed, output_padding, groups)
      .to(input.device());
}

std::tuple<Tensor, Tensor, Tensor> convolution_backward(const Tensor& slope, const Tensor& input, const Tensor& weight,
                                                        at::IntArrayRef stride, at::IntArrayRef padding,
                                                        at::IntArrayRef dilation, bool transposed,
                                                        at::IntArrayRef output_padding, int64_t groups,
                                                        std::array<bool, 3> wanted) {
  const Uncounted uncounted;
  const std::vector<int64_t> bias_sizes{slope.size(1)};
  auto [of_input, of_weight, of_bias] =
      at::convolution_backward(slope.cpu(), input.cpu(), weight.cpu(), at::OptionalIntArrayRef(bias_sizes), stride, padding,
                               dilation, transposed, output_padding, groups, wanted);
  const auto back = [&](const Tensor& gradient) { return gradient.defined() ? gradient.to(slope.device()) : gradient; };
  return {back(of_input), back(of_weight), back(of_bias)};
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_the_cpu>());
}

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
  library.impl("resize_", resize_);
  library.impl("as_strided", as_strided);
  library.impl("view", view);
  library.impl("convolution_overrideable", convolution);
  library.impl("convolution_backward_overrideable", convolution_backward);
  library.impl("_reshape_alias", reshape_alias);
  library.impl("_local_scalar_dense", item);
#if !TORCH_SINCE(2, 6)
  library.impl("is_pinned", is_pinned);
  library.impl("_pin_memory", pin_memory);
#endif
}

}  // namespace

void pretended_device_counts(pretended_counts* counts) { *counts = {copies_to_device, copies_to_host, waits}; }

void pretended_device_reset(void) { copies_to_device = copies_to_host = waits = 0; }
