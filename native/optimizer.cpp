// AdamW over one flat buffer, in one pass: an operator of our own, reached through the dispatcher like any other.
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <cmath>

#include "guard.h"

namespace otomask {

struct AdamW {
  double learning_rate, beta1, beta2, epsilon, weight_decay;
  int64_t step;
  double gradient_scale;

  double step_size() const { return learning_rate / (1 - std::pow(beta1, step)); }
  double root_correction() const { return std::sqrt(1 - std::pow(beta2, step)); }
};

// Any device, any type: the formula of Loshchilov & Hutter (ICLR 2019), operator by operator.
static void adamw_portable(const at::Tensor& parameters, const at::Tensor& gradients, const at::Tensor& mean,
                           const at::Tensor& square, double learning_rate, double beta1, double beta2, double epsilon,
                           double weight_decay, int64_t step, double gradient_scale) {
  const AdamW rule{learning_rate, beta1, beta2, epsilon, weight_decay, step, gradient_scale};
  const at::Tensor g = gradients * gradient_scale;
  parameters.mul_(1 - learning_rate * weight_decay);
  mean.mul_(beta1).add_(g, 1 - beta1);
  square.mul_(beta2).addcmul_(g, g, 1 - beta2);
  parameters.addcdiv_(mean, (square.sqrt() / rule.root_correction()).add_(epsilon), -rule.step_size());
}

// The same for float32 on the CPU: every value is read and written once.
static void adamw_cpu(const at::Tensor& parameters, const at::Tensor& gradients, const at::Tensor& mean,
                      const at::Tensor& square, double learning_rate, double beta1, double beta2, double epsilon,
                      double weight_decay, int64_t step, double gradient_scale) {
  for (const at::Tensor& tensor : {parameters, gradients, mean, square}) {
    TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.is_contiguous() && tensor.numel() == parameters.numel(),
                "adamw_ wants contiguous float32 buffers of one length");
  }
  const AdamW rule{learning_rate, beta1, beta2, epsilon, weight_decay, step, gradient_scale};
  float* p = parameters.data_ptr<float>();
  const float* g = gradients.data_ptr<float>();
  float* m = mean.data_ptr<float>();
  float* v = square.data_ptr<float>();
  const auto keep = static_cast<float>(1 - learning_rate * weight_decay);
  const auto b1 = static_cast<float>(beta1), b2 = static_cast<float>(beta2), eps = static_cast<float>(epsilon);
  const auto c1 = static_cast<float>(1 - beta1), c2 = static_cast<float>(1 - beta2);
  const auto size = static_cast<float>(rule.step_size());
  const auto root = static_cast<float>(1 / rule.root_correction());
  const auto scale = static_cast<float>(gradient_scale);
  at::parallel_for(0, parameters.numel(), 1 << 15, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const float gradient = g[i] * scale;
      m[i] = b1 * m[i] + c1 * gradient;
      v[i] = b2 * v[i] + c2 * gradient * gradient;
      p[i] = keep * p[i] - size * m[i] / (std::sqrt(v[i]) * root + eps);
    }
  });
}

TORCH_LIBRARY(otomask, library) {
  library.def(
      "adamw_(Tensor(a!) parameters, Tensor gradients, Tensor(b!) mean, Tensor(c!) square, float learning_rate, "
      "float beta1, float beta2, float epsilon, float weight_decay, int step, float gradient_scale) -> ()");
}
TORCH_LIBRARY_IMPL(otomask, CompositeExplicitAutograd, library) { library.impl("adamw_", adamw_portable); }
TORCH_LIBRARY_IMPL(otomask, CPU, library) { library.impl("adamw_", adamw_cpu); }

}  // namespace otomask
