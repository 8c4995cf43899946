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

/* By the maker, not by a measurement: the same machine always computes the same bits. */
bool prefers_pairs() {
#ifdef OTOMASK_X86
  return !__builtin_cpu_is("intel");
#else
  return true;
#endif
}

std::atomic<bool>& pairs_in_use() {
  static std::atomic<bool> pairs{prefers_pairs()};
  return pairs;
}

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

bool multiplies_pairs() { return pairs_in_use(); }

void multiply_pairs(bool pairs) { pairs_in_use() = pairs; }

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

#define OTOMASK_KERNELS_OF(set, type) \
  [] {                                \
    Kernels<type> made{};             \
    set::enter_linear(made);          \
    set::enter_attention(made);       \
    set::enter_layer_norm(made);      \
    set::enter_cosine_loss(made);     \
    set::enter_norm_gelu(made);       \
    return made;                      \
  }()

template <>
const Kernels<float>& kernels() {
  static const Kernels<float> avx2 = OTOMASK_KERNELS_OF(avx2, float), avx512 = OTOMASK_KERNELS_OF(avx512, float);
  const KernelSet wanted = kernels_in_use(), set = wanted == KernelSet::None ? best_kernels() : wanted;
  return set == KernelSet::Avx2 ? avx2 : avx512;
}

template <>
const Kernels<BFloat16>& kernels() {
  static const Kernels<BFloat16> pairs = OTOMASK_KERNELS_OF(avx512, BFloat16), halves = OTOMASK_KERNELS_OF(avx512_halves, BFloat16);
  return multiplies_pairs() ? pairs : halves;
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
