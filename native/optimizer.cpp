// AdamW with what goes with it (weight decay, clipping, the network that follows, fresh gradients) in one pass over flat
// buffers: an operator of our own, reached through the dispatcher like any other.
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/library.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include "guard.h"

// The compiler makes one version of a marked function for each generation of x86-64, and the loader picks.
#if defined(__x86_64__) && defined(__gnu_linux__)
#define OTOMASK_EVERY_X86 __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define OTOMASK_EVERY_X86
#endif

namespace otomask {

using OptionalTensor = c10::optional<at::Tensor>;

struct AdamW {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  int64_t step;
  double gradient_scale;

  double step_size() const { return learning_rate / (1 - std::pow(beta1, step)); }
  double root_correction() const { return std::sqrt(1 - std::pow(beta2, step)); }
};

// Any device, any type: the formula of Loshchilov & Hutter (ICLR 2019), operator by operator; with `largest` the variant
// AMSGrad (Reddi, Kale & Kumar, ICLR 2018), which divides by the largest mean square so far.
static void adamw_portable(const at::Tensor& parameters, const at::Tensor& gradients, const at::Tensor& mean,
                           const at::Tensor& square, double learning_rate, double beta1, double beta2, double epsilon,
                           double weight_decay, int64_t step, double gradient_scale, const OptionalTensor& follower,
                           int64_t first, double ema_decay, const OptionalTensor& largest) {
  const AdamW rule{learning_rate, beta1, beta2, epsilon, weight_decay, step, gradient_scale};
  const at::Tensor g = gradients.to(parameters.scalar_type()) * gradient_scale;
  const at::Tensor m = mean.to(g.scalar_type()) * beta1 + g * (1 - beta1);
  const at::Tensor v = square.to(g.scalar_type()) * beta2 + g * g * (1 - beta2);
  parameters.mul_(1 - learning_rate * weight_decay);
  if (largest) largest->copy_(at::maximum(*largest, v));
  parameters.addcdiv_(m, ((largest ? *largest : v).sqrt() / rule.root_correction()).add_(epsilon), -rule.step_size());
  mean.copy_(m);
  square.copy_(v);
  gradients.zero_();
  if (follower) follower->lerp_(parameters.narrow(0, first, follower->numel()), 1 - ema_decay);
}

// libtorch's own in one pass, where it has one for the device (CUDA since 2.0) and every buffer is float32. It takes the step
// only where nothing was found to be infinite, and divides by the scale.
static bool adamw_fused(const at::Tensor& applied, const at::Tensor& gradient_scale, const at::Tensor& parameters,
                        const at::Tensor& gradients, const at::Tensor& mean, const at::Tensor& square, const at::Tensor& steps,
                        double learning_rate, double beta1, double beta2, double epsilon, double weight_decay,
                        const OptionalTensor& largest) {
  using Signature = void(at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList, at::TensorList, double,
                         double, double, double, double, bool, bool, const OptionalTensor&, const OptionalTensor&);
  static const auto fused = c10::Dispatcher::singleton().findSchema({"aten::_fused_adamw_", ""});
  if (!fused || !fused->hasKernelForDispatchKey(c10::computeDispatchKey(c10::nullopt, c10::nullopt, parameters.device()))) return false;
  for (const at::Tensor& buffer : {parameters, gradients, mean, square})
    if (buffer.scalar_type() != at::kFloat) return false;
  const at::Tensor none[] = {largest ? *largest : at::Tensor()};
  fused->typed<Signature>().call(parameters, gradients, mean, square, largest ? at::TensorList(none) : at::TensorList(), steps, learning_rate,
                                 beta1, beta2, weight_decay, epsilon, largest.has_value(), false, gradient_scale.reciprocal(), 1 - applied);
  return true;
}

// The same where only the device knows whether the step is to be taken: applied is 1, or 0 and nothing changes; steps counts the
// updates up to this one. Gradients become zero in either case.
static void adamw_where(const at::Tensor& applied, const at::Tensor& gradient_scale, const at::Tensor& parameters,
                        const at::Tensor& gradients, const at::Tensor& mean, const at::Tensor& square, const at::Tensor& steps,
                        double learning_rate, double beta1, double beta2, double epsilon, double weight_decay,
                        const OptionalTensor& follower, int64_t first, double ema_decay, const OptionalTensor& largest) {
  if (!adamw_fused(applied, gradient_scale, parameters, gradients, mean, square, steps, learning_rate, beta1, beta2, epsilon,
                   weight_decay, largest)) {
    // What is not finite must not be multiplied by zero, but left out.
    const at::Tensor scaled = gradients.to(parameters.scalar_type()) * gradient_scale;
    const at::Tensor g = at::where(applied > 0, scaled, at::zeros({}, scaled.options()));
    const at::Tensor m = mean.to(g.scalar_type()).lerp(g, applied * (1 - beta1));
    const at::Tensor v = square.to(g.scalar_type()).lerp(g * g, applied * (1 - beta2));
    const at::Tensor taken = steps.clamp_min(1);  // there may have been none yet
    const at::Tensor size = applied * learning_rate / (1 - at::pow(beta1, taken)), root = (1 - at::pow(beta2, taken)).sqrt();
    parameters.mul_(1 - applied * (learning_rate * weight_decay));
    if (largest) largest->copy_(at::maximum(*largest, v));
    parameters.sub_(m / ((largest ? *largest : v).sqrt() / root).add_(epsilon) * size);
    mean.copy_(m);
    square.copy_(v);
  }
  gradients.zero_();
  if (follower) follower->lerp_(parameters.narrow(0, first, follower->numel()), applied * (1 - ema_decay));
}

// What the loops need, in the type that they compute in.
struct Rates {
  explicit Rates(const AdamW& rule)
      : keep(1 - rule.learning_rate * rule.weight_decay),
        b1(rule.beta1),
        b2(rule.beta2),
        c1(1 - rule.beta1),
        c2(1 - rule.beta2),
        size(rule.step_size()),
        root(1 / rule.root_correction()),
        epsilon(rule.epsilon),
        scale(rule.gradient_scale) {}
  float keep, b1, b2, c1, c2, size, root, epsilon, scale;
};

static inline float widened(float value) { return value; }

static inline float widened(uint16_t bfloat16) {
  const uint32_t bits = uint32_t(bfloat16) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

static inline void keep(float value, float* to) { *to = value; }

// To the nearest, ties to even. Moments are finite: a step with other gradients is not taken.
static inline void keep(float value, uint16_t* to) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  *to = uint16_t((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

template <bool Largest, class Gradient, class Moment>
static inline __attribute__((always_inline)) void move(int64_t n, const Rates r, float* __restrict p,
                                                       const Gradient* __restrict g, Moment* __restrict m,
                                                       Moment* __restrict v, float* __restrict largest) {
  for (int64_t i = 0; i < n; i++) {
    const float gradient = widened(g[i]) * r.scale;
    const float mean = r.b1 * widened(m[i]) + r.c1 * gradient;
    const float square = r.b2 * widened(v[i]) + r.c2 * gradient * gradient;
    float under = square;
    if (Largest) under = largest[i] = std::max(largest[i], square);
    p[i] = r.keep * p[i] - r.size * mean / (std::sqrt(under) * r.root + r.epsilon);
    keep(mean, &m[i]);
    keep(square, &v[i]);
  }
}

// A flat buffer of float32 or bfloat16.
struct Buffer {
  explicit Buffer(const at::Tensor& tensor) : Buffer(static_cast<char*>(tensor.data_ptr()), tensor.element_size()) {}
  Buffer(char* start, int64_t size) : start(start), size(size) {}
  Buffer from(int64_t at) const { return {start + at * size, size}; }
  bool is_bf16() const { return size == sizeof(uint16_t); }
  float* fp32() const { return reinterpret_cast<float*>(start); }
  uint16_t* bf16() const { return reinterpret_cast<uint16_t*>(start); }

  char* start;
  int64_t size;  // of a value, in bytes
};

OTOMASK_EVERY_X86 static void move_all(int64_t n, const Rates& r, float* p, Buffer g, Buffer m, Buffer v, float* largest) {
  if (largest) return move<true>(n, r, p, g.fp32(), m.fp32(), v.fp32(), largest);
  if (g.is_bf16() && m.is_bf16()) return move<false>(n, r, p, g.bf16(), m.bf16(), v.bf16(), nullptr);
  if (g.is_bf16()) return move<false>(n, r, p, g.bf16(), m.fp32(), v.fp32(), nullptr);
  if (m.is_bf16()) return move<false>(n, r, p, g.fp32(), m.bf16(), v.bf16(), nullptr);
  move<false>(n, r, p, g.fp32(), m.fp32(), v.fp32(), nullptr);
}

OTOMASK_EVERY_X86 static void follow(int64_t n, float share, const float* __restrict p, float* __restrict follower) {
  for (int64_t i = 0; i < n; i++) follower[i] += share * (p[i] - follower[i]);
}

// The values that stay in the cache between the loops.
constexpr int64_t Stretch = 4096;

static bool is_flat(const at::Tensor& tensor, int64_t count) {
  const at::ScalarType type = tensor.scalar_type();
  return (type == at::kFloat || type == at::kBFloat16) && tensor.is_contiguous() && tensor.numel() == count;
}

// On the CPU: float32, with gradients and moments of float32 or bfloat16, where every value is read and written once; or any
// other type.
static void adamw_cpu(const at::Tensor& parameters, const at::Tensor& gradients, const at::Tensor& mean,
                      const at::Tensor& square, double learning_rate, double beta1, double beta2, double epsilon,
                      double weight_decay, int64_t step, double gradient_scale, const OptionalTensor& follower,
                      int64_t first, double ema_decay, const OptionalTensor& largest) {
  if (parameters.scalar_type() != at::kFloat) {
    return adamw_portable(parameters, gradients, mean, square, learning_rate, beta1, beta2, epsilon, weight_decay, step,
                          gradient_scale, follower, first, ema_decay, largest);
  }
  const int64_t count = parameters.numel(), last = first + (follower ? follower->numel() : 0);
  const auto is_flat_float = [](const at::Tensor& x, int64_t n) { return is_flat(x, n) && x.scalar_type() == at::kFloat; };
  TORCH_CHECK(is_flat_float(parameters, count) && is_flat(gradients, count) && is_flat(mean, count) &&
                  is_flat(square, count) && mean.scalar_type() == square.scalar_type(),
              "adamw_ wants contiguous buffers of one length: float32, gradients and moments of float32 or bfloat16");
  TORCH_CHECK(!largest || (is_flat_float(*largest, count) && is_flat_float(mean, count) && is_flat_float(gradients, count)),
              "adamw_: the largest mean squares are contiguous float32, and so are gradients and moments beside them");
  TORCH_CHECK(!follower || (is_flat_float(*follower, follower->numel()) && first >= 0 && last <= count),
              "adamw_: the follower is contiguous float32 and faces a stretch of the parameters");

  const Rates rates(AdamW{learning_rate, beta1, beta2, epsilon, weight_decay, step, gradient_scale});
  const Buffer g(gradients), m(mean), v(square);
  float* p = parameters.data_ptr<float>();
  float* follows = follower ? follower->data_ptr<float>() : nullptr;
  float* top = largest ? largest->data_ptr<float>() : nullptr;
  const auto share = static_cast<float>(1 - ema_decay);
  at::parallel_for(0, count, 8 * Stretch, [&](int64_t begin, int64_t end) {
    for (int64_t at = begin; at < end; at += Stretch) {
      const int64_t n = std::min(Stretch, end - at);
      move_all(n, rates, p + at, g.from(at), m.from(at), v.from(at), top ? top + at : nullptr);
      std::memset(g.from(at).start, 0, n * g.size);
      const int64_t from = std::max(at, first), followed = std::min(at + n, last) - from;
      if (followed > 0) follow(followed, share, p + from, follows + (from - first));
    }
  });
}

template <class Value>
static inline __attribute__((always_inline)) double sum_of_squares_of(int64_t n, const Value* x) {
  constexpr int64_t Sums = 64;  // side by side, so that none waits for the one before
  float sums[Sums] = {};
  for (; n >= Sums; n -= Sums, x += Sums)
    for (int64_t i = 0; i < Sums; i++) sums[i] += widened(x[i]) * widened(x[i]);
  for (int64_t i = 0; i < n; i++) sums[i] += widened(x[i]) * widened(x[i]);
  double total = 0;
  for (float sum : sums) total += sum;
  return total;
}

OTOMASK_EVERY_X86 static double sum_of_squares(int64_t n, Buffer x) {
  return x.is_bf16() ? sum_of_squares_of(n, x.bf16()) : sum_of_squares_of(n, x.fp32());
}

// The Euclidean norm of all values, of bfloat16 in float32. One order of summation on the CPU, whatever the number of threads.
static at::Tensor norm(const at::Tensor& x) {
  const at::ScalarType type = x.scalar_type() == at::kBFloat16 ? at::kFloat : x.scalar_type();
  if (!x.device().is_cpu() || !is_flat(x, x.numel())) return at::norm(x, 2, type);
  const int64_t count = x.numel(), stretches = (count + Stretch - 1) / Stretch;
  const Buffer values(x);
  std::vector<double> sums(stretches);
  at::parallel_for(0, stretches, 8, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; s++)
      sums[s] = sum_of_squares(std::min(Stretch, count - s * Stretch), values.from(s * Stretch));
  });
  return at::scalar_tensor(std::sqrt(std::accumulate(sums.begin(), sums.end(), 0.0)), x.options().dtype(type));
}

TORCH_LIBRARY(otomask, library) {
  library.def(
      "adamw_(Tensor(a!) parameters, Tensor(b!) gradients, Tensor(c!) mean, Tensor(d!) square, float learning_rate, "
      "float beta1, float beta2, float epsilon, float weight_decay, int step, float gradient_scale, "
      "Tensor(e!)? follower=None, int first=0, float ema_decay=1, Tensor(f!)? largest=None) -> ()");
  library.def(
      "adamw_where_(Tensor applied, Tensor gradient_scale, Tensor(a!) parameters, Tensor(b!) gradients, Tensor(c!) mean, "
      "Tensor(d!) square, Tensor steps, float learning_rate, float beta1, float beta2, float epsilon, float weight_decay, "
      "Tensor(e!)? follower=None, int first=0, float ema_decay=1, Tensor(f!)? largest=None) -> ()");
  library.def("norm(Tensor x) -> Tensor");
}
TORCH_LIBRARY_IMPL(otomask, CompositeExplicitAutograd, library) {
  library.impl("adamw_", adamw_portable);
  library.impl("adamw_where_", adamw_where);
  library.impl("norm", norm);
}
TORCH_LIBRARY_IMPL(otomask, CPU, library) { library.impl("adamw_", adamw_cpu); }
// No gradient flows through them, on no kind of device: not all that libraries bring in say so by themselves.
TORCH_LIBRARY_IMPL(otomask, Autograd, library) {
  for (const char* name : {"adamw_", "adamw_where_", "norm"}) library.impl(name, torch::CppFunction::makeFallthrough());
}

}  // namespace otomask
