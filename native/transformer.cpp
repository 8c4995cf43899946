// The parts of a transformer block as operators with gradients: otomask::linear, mlp, attention,
// layer_norm; and the loss of M2D, cosine_loss.
//
// Each has two ways: its formula in ATen operators, for any device and type, and the kernels of kernels.h where they
// apply (CPU, float32 weights). Under autocast the products run in bfloat16, the residual stream stays float32.
#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "autocast.h"
#include "kernels.h"

namespace otomask {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using OptionalTensor = c10::optional<Tensor>;

bool autocasts_on_cpu() { return autocast_of(c10::kCPU).enabled; }

// The type that products compute in on the CPU.
at::ScalarType product_type() { return autocasts_on_cpu() ? at::kBFloat16 : at::kFloat; }

// Calls body with a value of the C++ type that stands for the tensor's type.
template <class Body>
auto with_type(const Tensor& tensor, Body&& body) {
  if (tensor.scalar_type() == at::kBFloat16) return body(c10::BFloat16());
  return body(float());
}

template <class T>
T* data(const Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

bool is_plain_float(const Tensor& tensor) {
  return tensor.device().is_cpu() && tensor.scalar_type() == at::kFloat && tensor.is_contiguous();
}

// bfloat16 goes by pairs, so both sides of a map must be even.
bool kernels_apply(const Tensor& x, std::initializer_list<Tensor> parameters, std::initializer_list<int64_t> widths) {
  const auto type = x.scalar_type();
  if (!x.device().is_cpu() || x.numel() == 0 || (type != at::kFloat && type != at::kBFloat16)) return false;
  for (const Tensor& parameter : parameters)
    if (!is_plain_float(parameter)) return false;
  if (product_type() == at::kFloat && type == at::kFloat) return has_kernels<float>();
  for (int64_t width : widths)
    if (width % 2 != 0) return false;
  return has_kernels<c10::BFloat16>();
}

// What enters a product: under autocast bfloat16, else as it is.
Tensor for_product(const Tensor& x) { return autocasts_on_cpu() ? x.to(at::kBFloat16) : x; }

Tensor empty_like(const Tensor& like, at::IntArrayRef sizes, at::ScalarType type) {
  return at::empty(sizes, like.options().dtype(type));
}

// Where the gradient of a parameter is added up. A leaf that already has a gradient (a view of the flat buffer, see
// ParameterSet) is added to in place, which spares a copy as large as the model; autograd then receives nothing.
struct ParameterGradient {
  explicit ParameterGradient(const Tensor& parameter) {
    const Tensor present = parameter.is_leaf() && parameter.requires_grad() ? parameter.grad() : Tensor();
    if (present.defined() && is_plain_float(present)) {
      sum = present;
    } else if (parameter.defined()) {
      sum = fresh = at::zeros_like(parameter);
    }
  }
  float* values() const { return sum.data_ptr<float>(); }

  Tensor sum, fresh;  // fresh: what autograd still has to add
};

LinearShape linear_shape(const Tensor& x, const Tensor& weight) {
  return {x.numel() / weight.size(1), weight.size(1), weight.size(0)};
}

std::vector<int64_t> with_last(const Tensor& x, int64_t size) {
  std::vector<int64_t> sizes = x.sizes().vec();
  sizes.back() = size;
  return sizes;
}

struct Linear : torch::autograd::Function<Linear> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const OptionalTensor& residual) {
    const LinearShape shape = linear_shape(x, weight);
    context->save_for_backward({x, weight, bias});
    context->saved_data["adds"] = residual.has_value();
    Tensor y = empty_like(x, with_last(x, shape.n), residual ? at::kFloat : x.scalar_type());
    with_type(x, [&](auto type) {
      using T = decltype(type);
      if (residual) {
        kernels<T>().linear_add(shape, data<T>(x), data<float>(weight), data<float>(bias), data<float>(*residual),
                                data<float>(y));
      } else {
        kernels<T>().linear(shape, data<T>(x), data<float>(weight), data<float>(bias), data<T>(y));
      }
    });
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    const LinearShape shape = linear_shape(x, weight);
    const Tensor dy = outputs[0].to(x.scalar_type()).contiguous();
    const ParameterGradient dweight(weight), dbias(saved[2]);
    Tensor dx = context->needs_input_grad(0) ? at::empty_like(x) : Tensor();
    with_type(x, [&](auto type) {
      using T = decltype(type);
      if (dx.defined()) kernels<T>().linear_input_gradient(shape, data<T>(dy), data<float>(weight), data<T>(dx));
      kernels<T>().linear_weight_gradient(shape, data<T>(dy), data<T>(x), dweight.values(), dbias.values());
    });
    return {dx, dweight.fresh, dbias.fresh, context->saved_data["adds"].toBool() ? outputs[0] : Tensor()};
  }
};

Tensor linear_reference(const Tensor& x, const Tensor& weight, const Tensor& bias, const OptionalTensor& residual) {
  const Tensor y = at::linear(x, weight, bias);
  return residual ? *residual + y : y;
}

Tensor linear_operator(const Tensor& x, const Tensor& weight, const Tensor& bias, const OptionalTensor& residual) {
  const bool fits = kernels_apply(x, {weight, bias}, {weight.size(0), weight.size(1)}) &&
                    (!residual || is_plain_float(*residual)) && x.size(-1) == weight.size(1);
  if (!fits) return linear_reference(x, weight, bias, residual);
  return Linear::apply(for_product(x).contiguous(), weight, bias, residual);
}

// residual + outer(gelu(inner(x))). Only x and the inner map's output are kept for the gradient.
struct Mlp : torch::autograd::Function<Mlp> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& inner_weight, const Tensor& inner_bias,
                        const Tensor& outer_weight, const Tensor& outer_bias, const Tensor& residual, bool differentiates) {
    const LinearShape inner = linear_shape(x, inner_weight), outer{inner.m, inner.n, inner.k};
    Tensor hidden = empty_like(x, {inner.m, inner.n}, x.scalar_type()), before, y = at::empty_like(residual);
    if (differentiates) before = at::empty_like(hidden);
    with_type(x, [&](auto type) {
      using T = decltype(type);
      kernels<T>().linear_gelu(inner, data<T>(x), data<float>(inner_weight), data<float>(inner_bias), data<T>(before),
                               data<T>(hidden));
      kernels<T>().linear_add(outer, data<T>(hidden), data<float>(outer_weight), data<float>(outer_bias),
                              data<float>(residual), data<float>(y));
    });
    if (!differentiates) return y;
    context->save_for_backward({x, inner_weight, inner_bias, outer_weight, outer_bias});
    context->saved_data["before"] = before;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &inner_weight = saved[1], &outer_weight = saved[3];
    const LinearShape inner = linear_shape(x, inner_weight), outer{inner.m, inner.n, inner.k};
    const Tensor dy = outputs[0].to(x.scalar_type()).contiguous();
    const ParameterGradient dinner_weight(inner_weight), dinner_bias(saved[2]), douter_weight(outer_weight), douter_bias(saved[4]);
    // Becomes its own gradient, so a second backward through the same graph needs a copy: it finds the slot empty.
    Tensor before = context->saved_data["before"].toTensor();
    TORCH_CHECK(before.defined(), "otomask::mlp differentiates once; run the forward pass again");
    context->saved_data["before"] = Tensor();
    Tensor hidden = at::empty_like(before), dx = at::empty_like(x);
    with_type(x, [&](auto type) {
      using T = decltype(type);
      kernels<T>().linear_gelu_input_gradient(outer, data<T>(dy), data<float>(outer_weight), data<T>(before),
                                              data<T>(hidden));
      kernels<T>().linear_weight_gradient(outer, data<T>(dy), data<T>(hidden), douter_weight.values(),
                                          douter_bias.values());
      kernels<T>().linear_input_gradient(inner, data<T>(before), data<float>(inner_weight), data<T>(dx));
      kernels<T>().linear_weight_gradient(inner, data<T>(before), data<T>(x), dinner_weight.values(),
                                          dinner_bias.values());
    });
    return {dx, dinner_weight.fresh, dinner_bias.fresh, douter_weight.fresh, douter_bias.fresh, outputs[0], Tensor()};
  }
};

Tensor mlp_operator(const Tensor& x, const Tensor& inner_weight, const Tensor& inner_bias, const Tensor& outer_weight,
                    const Tensor& outer_bias, const Tensor& residual) {
  const bool fits = kernels_apply(x, {inner_weight, inner_bias, outer_weight, outer_bias, residual},
                                  {inner_weight.size(0), inner_weight.size(1)}) &&
                    x.sizes() == residual.sizes() && x.size(-1) == inner_weight.size(1);
  if (!fits) return residual + at::linear(at::gelu(at::linear(x, inner_weight, inner_bias)), outer_weight, outer_bias);
  // Inside forward, autograd has switched its own mode off already.
  return Mlp::apply(for_product(x).contiguous(), inner_weight, inner_bias, outer_weight, outer_bias, residual,
                    at::GradMode::is_enabled());
}

AttentionShape attention_shape(const Tensor& qkv, int64_t heads) {
  return {qkv.size(0), qkv.size(1), heads, qkv.size(2) / 3 / heads};
}

struct Attention : torch::autograd::Function<Attention> {
  static Tensor forward(AutogradContext* context, const Tensor& qkv, int64_t heads) {
    const AttentionShape shape = attention_shape(qkv, heads);
    Tensor out = empty_like(qkv, with_last(qkv, heads * shape.size), qkv.scalar_type());
    Tensor log_sums = empty_like(qkv, {shape.clips, heads, shape.tokens}, at::kFloat);
    with_type(qkv, [&](auto type) {
      using T = decltype(type);
      kernels<T>().attention(shape, data<T>(qkv), data<T>(out), data<float>(log_sums));
    });
    context->save_for_backward({qkv});
    context->saved_data["log_sums"] = log_sums;
    context->saved_data["heads"] = heads;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const Tensor qkv = context->get_saved_variables()[0], log_sums = context->saved_data["log_sums"].toTensor();
    const Tensor dout = outputs[0].to(qkv.scalar_type()).contiguous();
    Tensor dqkv = at::empty_like(qkv);
    with_type(qkv, [&](auto type) {
      using T = decltype(type);
      kernels<T>().attention_gradient(attention_shape(qkv, context->saved_data["heads"].toInt()), data<T>(qkv),
                                      data<float>(log_sums), data<T>(dout), data<T>(dqkv));
    });
    return {dqkv, Tensor()};
  }
};

// Vaswani et al. 2017, equation 1, operator by operator.
Tensor attention_reference(const Tensor& qkv, int64_t heads) {
  const AttentionShape s = attention_shape(qkv, heads);
  const auto parts = qkv.reshape({s.clips, s.tokens, 3, heads, s.size}).permute({2, 0, 3, 1, 4}).unbind(0);  // [B, h, N, d]
  const Tensor scores = at::matmul(parts[0] * (1 / std::sqrt(static_cast<double>(s.size))), parts[1].transpose(-2, -1));
  const Tensor mixed = at::matmul(at::softmax(scores, -1), parts[2]);  // [B, h, N, d]
  return mixed.transpose(1, 2).reshape({s.clips, s.tokens, heads * s.size});
}

Tensor attention_operator(const Tensor& qkv, int64_t heads) {
  TORCH_CHECK(qkv.dim() == 3 && heads > 0 && qkv.size(2) % (3 * heads) == 0,
              "attention wants [B, N, 3 h d] and ", heads, " heads, not ", qkv.sizes());
  if (!kernels_apply(qkv, {}, {qkv.size(2) / 3 / heads})) return attention_reference(qkv, heads);
  return Attention::apply(for_product(qkv).contiguous(), heads);
}

// Returns y and x itself, for the residual sum: the gradients of both meet in one pass.
struct LayerNorm : torch::autograd::Function<LayerNorm> {
  static variable_list forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                               double epsilon, bool bfloat16) {
    const int64_t n = weight.numel(), m = x.numel() / n;
    Tensor y = empty_like(x, x.sizes(), bfloat16 ? at::kBFloat16 : at::kFloat);
    Tensor mean = empty_like(x, {m}, at::kFloat), scale = at::empty_like(mean);
    with_type(y, [&](auto type) {
      using T = decltype(type);
      kernels<T>().layer_norm(m, n, data<float>(x), data<float>(weight), data<float>(bias), static_cast<float>(epsilon),
                              data<T>(y), data<float>(mean), data<float>(scale));
    });
    context->save_for_backward({x, weight, bias});
    context->saved_data["mean"] = mean;
    context->saved_data["scale"] = scale;
    context->set_materialize_grads(false);
    return {y, x};
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1];
    if (!outputs[0].defined()) return {outputs[1], Tensor(), Tensor(), Tensor(), Tensor()};
    const Tensor dy = outputs[0].contiguous(), residual = outputs[1].defined() ? outputs[1].contiguous() : Tensor();
    const int64_t n = weight.numel(), m = x.numel() / n;
    const ParameterGradient dweight(weight), dbias(saved[2]);
    Tensor dx = at::empty_like(x);
    with_type(dy, [&](auto type) {
      using T = decltype(type);
      kernels<T>().layer_norm_gradient(m, n, data<T>(dy), data<float>(x), data<float>(weight),
                                       data<float>(context->saved_data["mean"].toTensor()),
                                       data<float>(context->saved_data["scale"].toTensor()), data<float>(residual),
                                       data<float>(dx), dweight.values(), dbias.values());
    });
    return {dx, dweight.fresh, dbias.fresh, Tensor(), Tensor()};
  }
};

bool layer_norm_kernels_apply(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return kernels_apply(x, {weight, bias}, {}) && x.scalar_type() == at::kFloat && x.size(-1) == weight.numel();
}

Tensor layer_norm_operator(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon) {
  if (!layer_norm_kernels_apply(x, weight, bias)) return at::layer_norm(x, weight.sizes(), weight, bias, epsilon);
  return LayerNorm::apply(x.contiguous(), weight, bias, epsilon, false)[0];
}

std::tuple<Tensor, Tensor> layer_norm_branch_operator(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                                      double epsilon) {
  if (!layer_norm_kernels_apply(x, weight, bias)) return {at::layer_norm(x, weight.sizes(), weight, bias, epsilon), x};
  const variable_list both = LayerNorm::apply(x.contiguous(), weight, bias, epsilon, autocasts_on_cpu());
  return {both[0], both[1]};
}

struct CosineLoss : torch::autograd::Function<CosineLoss> {
  static Tensor forward(AutogradContext* context, const Tensor& predicted, const Tensor& target) {
    const int64_t n = predicted.size(-1), m = predicted.numel() / n;
    Tensor losses = empty_like(predicted, {m}, at::kFloat), gradient = at::empty_like(predicted);
    kernels<float>().cosine_loss(m, n, data<float>(predicted), data<float>(target), data<float>(losses),
                                 data<float>(gradient));
    context->saved_data["gradient"] = gradient;
    return losses.mean();
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    return {context->saved_data["gradient"].toTensor() * outputs[0], Tensor()};
  }
};

Tensor normalised(const Tensor& x) { return x / x.norm(2, -1, true).clamp_min(1e-12); }

Tensor cosine_loss_operator(const Tensor& predicted, const Tensor& target) {
  TORCH_CHECK(predicted.sizes() == target.sizes() && !target.requires_grad(),
              "cosine_loss wants a target without gradient, shaped as the prediction");
  const Tensor ours = predicted.contiguous(), wanted = target.contiguous();
  if (is_plain_float(ours) && is_plain_float(wanted) && ours.size(-1) > 1 && ours.numel() > 0 && has_kernels<float>()) {
    return CosineLoss::apply(ours, wanted);
  }
  const Tensor standardised = (target - target.mean(-1, true)) * (target.var(-1, true, true) + 1e-6).rsqrt();
  return 2 - 2 * (normalised(predicted) * normalised(standardised)).sum(-1).mean();
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(otomask, library) {
  library.def("linear(Tensor x, Tensor weight, Tensor bias, Tensor? residual=None) -> Tensor", linear_operator);
  library.def(
      "mlp(Tensor x, Tensor inner_weight, Tensor inner_bias, Tensor outer_weight, Tensor outer_bias, Tensor residual) "
      "-> Tensor",
      mlp_operator);
  library.def("attention(Tensor qkv, int heads) -> Tensor", attention_operator);
  library.def("layer_norm(Tensor x, Tensor weight, Tensor bias, float epsilon) -> Tensor",
              layer_norm_operator);
  library.def(
      "layer_norm_branch(Tensor x, Tensor weight, Tensor bias, float epsilon) -> (Tensor, Tensor)",
      layer_norm_branch_operator);
  library.def("cosine_loss(Tensor predicted, Tensor target) -> Tensor", cosine_loss_operator);
}

}  // namespace otomask
