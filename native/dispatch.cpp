// Which kernels run: those of the best instruction set that the processor has, unless others are asked for.
#include <atomic>
#include <stdexcept>
#include <string>

#include "kernels.h"

namespace otomask {

using c10::BFloat16;

namespace {

KernelSet detect() {
#ifdef OTOMASK_X86
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    return __builtin_cpu_supports("avx512bf16") ? KernelSet::Avx512Bf16 : KernelSet::Avx512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return KernelSet::Avx2;
#endif
  return KernelSet::None;
}

std::atomic<KernelSet>& set_in_use() {
  static std::atomic<KernelSet> set{best_kernels()};
  return set;
}

thread_local bool leaves_bf16 = false;

}  // namespace

bool has_amx() {
#ifdef OTOMASK_X86
  return __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-bf16");
#else
  return false;
#endif
}

bool leaves_bf16_to_aten() { return leaves_bf16; }

void leave_bf16_to_aten(bool leave) { leaves_bf16 = leave; }

KernelSet best_kernels() {
  static const KernelSet best = detect();
  return best;
}

KernelSet kernels_in_use() { return set_in_use(); }

void use_kernels(KernelSet set) {
  if (set < KernelSet::None || set > best_kernels()) {
    throw std::invalid_argument("this processor runs kernels 0 to " + std::to_string(static_cast<int>(best_kernels())) +
                                ", not " + std::to_string(static_cast<int>(set)));
  }
  set_in_use() = set;
}

template <>
bool has_kernels<float>() {
  return kernels_in_use() != KernelSet::None;
}

template <>
bool has_kernels<BFloat16>() {
  return kernels_in_use() == KernelSet::Avx512Bf16 && !leaves_bf16_to_aten();
}

#ifdef OTOMASK_X86

static Kernels<float> avx2_kernels() {
  Kernels<float> made{};
  avx2::enter_linear(made);
  avx2::enter_attention(made);
  avx2::enter_layer_norm(made);
  avx2::enter_cosine_loss(made);
  avx2::enter_norm_gelu(made);
  return made;
}

template <class T>
static Kernels<T> avx512_kernels() {
  Kernels<T> made{};
  avx512::enter_linear(made);
  avx512::enter_attention(made);
  avx512::enter_layer_norm(made);
  avx512::enter_cosine_loss(made);
  avx512::enter_norm_gelu(made);
  return made;
}

template <>
const Kernels<float>& kernels() {
  static const Kernels<float> avx2 = avx2_kernels(), avx512 = avx512_kernels<float>();
  const KernelSet wanted = kernels_in_use(), set = wanted == KernelSet::None ? best_kernels() : wanted;
  return set == KernelSet::Avx2 ? avx2 : avx512;
}

template <>
const Kernels<BFloat16>& kernels() {
  static const Kernels<BFloat16> avx512 = avx512_kernels<BFloat16>();
  return avx512;
}

#else

template <class T>
const Kernels<T>& kernels() {
  throw std::logic_error("this processor has no kernels; has_kernels says so");
}
template const Kernels<float>& kernels();
template const Kernels<BFloat16>& kernels();

#endif

}  // namespace otomask
