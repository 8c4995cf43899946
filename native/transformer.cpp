// What a transformer is made of, as operators with gradients: the two branches of a block (otomask::attention_branch,
// mlp_branch), linear, layer_norm; the loss of M2D, cosine_loss; and what follows a convolution of EAT's decoder, norm_gelu.
//
// Each has two ways: its formula in ATen operators, for any device and type, and the kernels of kernels.h where they
// apply (CPU, float32 weights). Under autocast the products run in bfloat16, the residual stream stays float32.
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
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

// Calls body with a value of the C++ type that stands for `type`.
template <class Body>
auto with_type(at::ScalarType type, Body&& body) {
  if (type == at::kBFloat16) return body(c10::BFloat16());
  return body(float());
}

template <class T>
T* data(const Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

bool is_plain(const Tensor& tensor, at::ScalarType type) {
  return tensor.device().is_cpu() && tensor.scalar_type() == type && tensor.is_contiguous();
}

bool is_plain_float(const Tensor& tensor) { return is_plain(tensor, at::kFloat); }

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

// Whether the parameters are those of a linear map; where not, ATen says what is wrong.
bool is_map(const Tensor& weight, const Tensor& bias, int64_t inputs, int64_t outputs) {
  return weight.sizes() == at::IntArrayRef({outputs, inputs}) && bias.sizes() == at::IntArrayRef({outputs});
}

// What enters a product: under autocast bfloat16, else as it is.
Tensor for_product(const Tensor& x) { return autocasts_on_cpu() ? x.to(at::kBFloat16) : x; }

Tensor empty_like(const Tensor& like, at::IntArrayRef sizes, at::ScalarType type) {
  return at::empty(sizes, like.options().dtype(type));
}

// Where the gradient of a parameter is added up. A leaf that already has a gradient (a view of the flat buffer, float32 or
// bfloat16, see ParameterSet) is added to in place, which spares a copy as large as the model; autograd then receives nothing.
struct ParameterGradient {
  explicit ParameterGradient(const Tensor& parameter) {
    const Tensor present = parameter.is_leaf() && parameter.requires_grad() ? parameter.grad() : Tensor();
    if (present.defined() && (is_plain(present, at::kFloat) || is_plain(present, at::kBFloat16))) {
      sum = present;
    } else {
      sum = fresh = at::zeros_like(parameter);
    }
  }
  GradientSum values() const {
    if (sum.scalar_type() == at::kBFloat16) return {nullptr, sum.data_ptr<c10::BFloat16>()};
    return {sum.data_ptr<float>(), nullptr};
  }

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

// What the backward pass of a linear map adds to the gradients of its parameters.
template <class T>
void add_gradients(LinearShape shape, const Tensor& dy, const Tensor& x, const ParameterGradient& weight,
                   const ParameterGradient& bias) {
  kernels<T>().linear_weight_gradient(shape, data<T>(dy), data<T>(x), weight.values(), bias.values());
}

struct Linear : torch::autograd::Function<Linear> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias) {
    const LinearShape shape = linear_shape(x, weight);
    context->save_for_backward({x, weight, bias});
    Tensor y = empty_like(x, with_last(x, shape.n), x.scalar_type());
    with_type(x.scalar_type(), [&](auto type) {
      using T = decltype(type);
      kernels<T>().linear(shape, data<T>(x), data<float>(weight), data<float>(bias), data<T>(y));
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
    with_type(x.scalar_type(), [&](auto type) {
      using T = decltype(type);
      if (dx.defined()) kernels<T>().linear_input_gradient(shape, data<T>(dy), data<float>(weight), data<T>(dx));
      add_gradients<T>(shape, dy, x, dweight, dbias);
    });
    return {dx, dweight.fresh, dbias.fresh};
  }
};

Tensor linear_operator(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const int64_t outputs = bias.numel();
  const bool fits = x.dim() > 0 && is_map(weight, bias, x.size(-1), outputs) && kernels_apply(x, {weight, bias}, {x.size(-1), outputs});
  if (!fits) return at::linear(x, weight, bias);
  return Linear::apply(for_product(x).contiguous(), weight, bias);
}

// A layer norm on kernels, in the type T that its products want.
template <class T>
struct Normalised {
  Normalised(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon)
      : values(empty_like(x, x.sizes(), c10::CppTypeToScalarType<T>::value)),
        mean(empty_like(x, {x.numel() / weight.numel()}, at::kFloat)),
        scale(at::empty_like(mean)) {
    kernels<T>().layer_norm(mean.numel(), weight.numel(), data<float>(x), data<float>(weight), data<float>(bias),
                            static_cast<float>(epsilon), data<T>(values), data<float>(mean), data<float>(scale));
  }

  Tensor values, mean, scale;
};

// dx, with `residual`, the gradient that reaches x on another way, added where defined.
template <class T>
Tensor layer_norm_gradient(const Tensor& dy, const Tensor& x, const Tensor& weight, const Tensor& mean, const Tensor& scale,
                           const Tensor& residual, const ParameterGradient& dweight, const ParameterGradient& dbias) {
  Tensor dx = at::empty_like(x);
  kernels<T>().layer_norm_gradient(mean.numel(), weight.numel(), data<T>(dy), data<float>(x), data<float>(weight),
                                   data<float>(mean), data<float>(scale), data<float>(residual), data<float>(dx),
                                   dweight.values(), dbias.values());
  return dx;
}

struct LayerNorm : torch::autograd::Function<LayerNorm> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon) {
    const Normalised<float> y(x, weight, bias, epsilon);
    context->save_for_backward({x, weight, bias});
    context->saved_data["mean"] = y.mean;
    context->saved_data["scale"] = y.scale;
    return y.values;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const auto saved = context->get_saved_variables();
    const ParameterGradient dweight(saved[1]), dbias(saved[2]);
    const Tensor dx = layer_norm_gradient<float>(outputs[0].contiguous(), saved[0], saved[1], context->saved_data["mean"].toTensor(),
                                                 context->saved_data["scale"].toTensor(), Tensor(), dweight, dbias);
    return {dx, dweight.fresh, dbias.fresh, Tensor()};
  }
};

// Whether the parameters are those of a layer norm of x, which is float32 as the residual stream is.
bool is_norm(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return x.dim() > 0 && x.scalar_type() == at::kFloat && weight.sizes() == x.sizes().slice(x.dim() - 1) && bias.sizes() == weight.sizes();
}

Tensor layer_norm_operator(const Tensor& x, const Tensor& weight, const Tensor& bias, double epsilon) {
  if (!is_norm(x, weight, bias) || !kernels_apply(x, {weight, bias}, {})) return at::layer_norm(x, weight.sizes(), weight, bias, epsilon);
  return LayerNorm::apply(x.contiguous(), weight, bias, epsilon);
}

AttentionShape attention_shape(const Tensor& qkv, int64_t heads) {
  return {qkv.size(0), qkv.size(1), heads, qkv.size(2) / 3 / heads};
}

// The two branches of a pre-norm block (Xiong et al. 2020): x + f(LN(x)). What the layer norm gives is not kept for the
// gradient: to compute it again from x costs one pass over memory.

struct AttentionBranch : torch::autograd::Function<AttentionBranch> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& norm_weight, const Tensor& norm_bias,
                        const Tensor& qkv_weight, const Tensor& qkv_bias, const Tensor& proj_weight, const Tensor& proj_bias,
                        int64_t heads, double epsilon, at::ScalarType type) {
    const LinearShape in = linear_shape(x, qkv_weight), out = linear_shape(x, proj_weight);
    Tensor qkv = empty_like(x, with_last(x, in.n), type), mixed = empty_like(x, x.sizes(), type), y = at::empty_like(x);
    const AttentionShape shape = attention_shape(qkv, heads);
    Tensor log_sums = empty_like(x, {shape.clips, heads, shape.tokens}, at::kFloat);
    with_type(type, [&](auto value) {
      using T = decltype(value);
      kernels<T>().linear(in, data<T>(Normalised<T>(x, norm_weight, norm_bias, epsilon).values), data<float>(qkv_weight),
                          data<float>(qkv_bias), data<T>(qkv));
      kernels<T>().attention(shape, data<T>(qkv), data<T>(mixed), data<float>(log_sums));
      kernels<T>().linear_add(out, data<T>(mixed), data<float>(proj_weight), data<float>(proj_bias), data<float>(x), data<float>(y));
    });
    context->save_for_backward({x, norm_weight, norm_bias, qkv_weight, qkv_bias, proj_weight, proj_bias, qkv, mixed, log_sums});
    context->saved_data["heads"] = heads;
    context->saved_data["epsilon"] = epsilon;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &norm_weight = saved[1], &qkv_weight = saved[3], &proj_weight = saved[5];
    const Tensor &qkv = saved[7], &mixed = saved[8], &log_sums = saved[9];
    const LinearShape in = linear_shape(x, qkv_weight), out = linear_shape(x, proj_weight);
    const AttentionShape shape = attention_shape(qkv, context->saved_data["heads"].toInt());
    const Tensor residual = outputs[0].contiguous(), dy = residual.to(qkv.scalar_type());
    const ParameterGradient dnorm_weight(norm_weight), dnorm_bias(saved[2]), dqkv_weight(qkv_weight), dqkv_bias(saved[4]),
        dproj_weight(proj_weight), dproj_bias(saved[6]);
    Tensor dqkv = at::empty_like(qkv), between = at::empty_like(mixed), dx;  // between: gradient of mixed, then of the norm
    with_type(qkv.scalar_type(), [&](auto value) {
      using T = decltype(value);
      kernels<T>().linear_input_gradient(out, data<T>(dy), data<float>(proj_weight), data<T>(between));
      add_gradients<T>(out, dy, mixed, dproj_weight, dproj_bias);
      kernels<T>().attention_gradient(shape, data<T>(qkv), data<float>(log_sums), data<T>(between), data<T>(dqkv));
      const Normalised<T> normalised(x, norm_weight, saved[2], context->saved_data["epsilon"].toDouble());
      kernels<T>().linear_input_gradient(in, data<T>(dqkv), data<float>(qkv_weight), data<T>(between));
      add_gradients<T>(in, dqkv, normalised.values, dqkv_weight, dqkv_bias);
      dx = layer_norm_gradient<T>(between, x, norm_weight, normalised.mean, normalised.scale, residual, dnorm_weight, dnorm_bias);
    });
    return {dx, dnorm_weight.fresh, dnorm_bias.fresh, dqkv_weight.fresh, dqkv_bias.fresh, dproj_weight.fresh, dproj_bias.fresh,
            Tensor(), Tensor(), Tensor()};
  }
};

// Vaswani et al. 2017, equation 1, operator by operator: queries, keys and values [B, h, N, d] -> [B, h, N, d].
Tensor attention_reference(const Tensor& queries, const Tensor& keys, const Tensor& values) {
  const Tensor scores = at::matmul(queries * (1 / std::sqrt(static_cast<double>(queries.size(-1)))), keys.transpose(-2, -1));
  return at::matmul(at::softmax(scores, -1), values);
}

// The same as one operator, which never makes the scores [N, N] where the device has a kernel for it; libtorch has it since 2.0.
Tensor attention_fused(const c10::OperatorHandle& operation, const Tensor& queries, const Tensor& keys, const Tensor& values) {
  torch::jit::Stack stack{queries, keys, values};
  const auto& arguments = operation.schema().arguments();
  for (size_t i = stack.size(); i < arguments.size(); i++) stack.push_back(*arguments[i].default_value());
  operation.callBoxed(&stack);
  return stack[0].toTensor();
}

// On the CPU, what our kernels do not take is computed operator by operator: they are measured by it.
Tensor attention_by_aten(const Tensor& qkv, int64_t heads) {
  static const auto fused = c10::Dispatcher::singleton().findSchema({"aten::scaled_dot_product_attention", ""});
  const AttentionShape s = attention_shape(qkv, heads);
  const auto parts = qkv.reshape({s.clips, s.tokens, 3, heads, s.size}).permute({2, 0, 3, 1, 4}).unbind(0);  // [B, h, N, d]
  const Tensor mixed = fused && !qkv.is_cpu() ? attention_fused(*fused, parts[0], parts[1], parts[2])
                                               : attention_reference(parts[0], parts[1], parts[2]);
  return mixed.transpose(1, 2).reshape({s.clips, s.tokens, heads * s.size});
}

Tensor attention_branch_operator(const Tensor& x, const Tensor& norm_weight, const Tensor& norm_bias, const Tensor& qkv_weight,
                                 const Tensor& qkv_bias, const Tensor& proj_weight, const Tensor& proj_bias, int64_t heads,
                                 double epsilon) {
  const int64_t width = norm_weight.numel();
  TORCH_CHECK(x.dim() == 3 && heads > 0 && width % heads == 0 && is_map(qkv_weight, qkv_bias, width, 3 * width),
              "attention_branch wants x [B, N, h d], a qkv weight [3 h d, h d], its bias and ", heads, " heads, not ", x.sizes(),
              ", ", qkv_weight.sizes(), " and ", qkv_bias.sizes());
  const bool fits = is_norm(x, norm_weight, norm_bias) && is_map(proj_weight, proj_bias, width, width) &&
                    kernels_apply(x, {norm_weight, norm_bias, qkv_weight, qkv_bias, proj_weight, proj_bias}, {width / heads});
  if (!fits) {
    const Tensor qkv = at::linear(at::layer_norm(x, {width}, norm_weight, norm_bias, epsilon), qkv_weight, qkv_bias);
    return x + at::linear(attention_by_aten(qkv, heads), proj_weight, proj_bias);
  }
  return AttentionBranch::apply(x.contiguous(), norm_weight, norm_bias, qkv_weight, qkv_bias, proj_weight, proj_bias, heads,
                                epsilon, product_type());
}

struct MlpBranch : torch::autograd::Function<MlpBranch> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& norm_weight, const Tensor& norm_bias,
                        const Tensor& inner_weight, const Tensor& inner_bias, const Tensor& outer_weight,
                        const Tensor& outer_bias, double epsilon, at::ScalarType type, bool differentiates) {
    const LinearShape inner = linear_shape(x, inner_weight), outer{inner.m, inner.n, inner.k};
    Tensor hidden = empty_like(x, {inner.m, inner.n}, type), before, y = at::empty_like(x);
    if (differentiates) before = at::empty_like(hidden);
    with_type(type, [&](auto value) {
      using T = decltype(value);
      kernels<T>().linear_gelu(inner, data<T>(Normalised<T>(x, norm_weight, norm_bias, epsilon).values),
                               data<float>(inner_weight), data<float>(inner_bias), data<T>(before), data<T>(hidden));
      kernels<T>().linear_add(outer, data<T>(hidden), data<float>(outer_weight), data<float>(outer_bias), data<float>(x),
                              data<float>(y));
    });
    if (!differentiates) return y;
    context->save_for_backward({x, norm_weight, norm_bias, inner_weight, inner_bias, outer_weight, outer_bias});
    context->saved_data["before"] = before;
    context->saved_data["epsilon"] = epsilon;
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const auto saved = context->get_saved_variables();
    const Tensor &x = saved[0], &norm_weight = saved[1], &inner_weight = saved[3], &outer_weight = saved[5];
    const LinearShape inner = linear_shape(x, inner_weight), outer{inner.m, inner.n, inner.k};
    // Becomes its own gradient, so a second backward through the same graph needs a copy: it finds the slot empty.
    Tensor before = context->saved_data["before"].toTensor();
    TORCH_CHECK(before.defined(), "otomask::mlp_branch differentiates once; run the forward pass again");
    context->saved_data["before"] = Tensor();
    const Tensor residual = outputs[0].contiguous(), dy = residual.to(before.scalar_type());
    const ParameterGradient dnorm_weight(norm_weight), dnorm_bias(saved[2]), dinner_weight(inner_weight), dinner_bias(saved[4]),
        douter_weight(outer_weight), douter_bias(saved[6]);
    Tensor hidden = at::empty_like(before), dnormalised = empty_like(x, x.sizes(), before.scalar_type()), dx;
    with_type(before.scalar_type(), [&](auto value) {
      using T = decltype(value);
      kernels<T>().linear_gelu_input_gradient(outer, data<T>(dy), data<float>(outer_weight), data<T>(before), data<T>(hidden));
      add_gradients<T>(outer, dy, hidden, douter_weight, douter_bias);
      hidden.reset();
      const Normalised<T> normalised(x, norm_weight, saved[2], context->saved_data["epsilon"].toDouble());
      kernels<T>().linear_input_gradient(inner, data<T>(before), data<float>(inner_weight), data<T>(dnormalised));
      add_gradients<T>(inner, before, normalised.values, dinner_weight, dinner_bias);
      dx = layer_norm_gradient<T>(dnormalised, x, norm_weight, normalised.mean, normalised.scale, residual, dnorm_weight, dnorm_bias);
    });
    return {dx, dnorm_weight.fresh, dnorm_bias.fresh, dinner_weight.fresh, dinner_bias.fresh, douter_weight.fresh,
            douter_bias.fresh, Tensor(), Tensor(), Tensor()};
  }
};

Tensor mlp_branch_operator(const Tensor& x, const Tensor& norm_weight, const Tensor& norm_bias, const Tensor& inner_weight,
                           const Tensor& inner_bias, const Tensor& outer_weight, const Tensor& outer_bias, double epsilon) {
  const int64_t width = norm_weight.numel(), hidden = inner_bias.numel();
  const bool fits = is_norm(x, norm_weight, norm_bias) && is_map(inner_weight, inner_bias, width, hidden) &&
                    is_map(outer_weight, outer_bias, hidden, width) &&
                    kernels_apply(x, {norm_weight, norm_bias, inner_weight, inner_bias, outer_weight, outer_bias}, {width, hidden});
  if (!fits) {
    const Tensor normalised = at::layer_norm(x, norm_weight.sizes(), norm_weight, norm_bias, epsilon);
    return x + at::linear(at::gelu(at::linear(normalised, inner_weight, inner_bias)), outer_weight, outer_bias);
  }
  // Inside forward, autograd has switched its own mode off already.
  return MlpBranch::apply(x.contiguous(), norm_weight, norm_bias, inner_weight, inner_bias, outer_weight, outer_bias, epsilon,
                          product_type(), at::GradMode::is_enabled());
}

struct NormGelu : torch::autograd::Function<NormGelu> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const OptionalTensor& residual, double epsilon) {
    const int64_t n = x.size(-1), m = x.numel() / n;
    Tensor y = at::empty_like(x), mean = empty_like(x, {m}, at::kFloat), scale = at::empty_like(mean);
    kernels<float>().norm_gelu(m, n, data<float>(x), residual ? data<float>(*residual) : nullptr, static_cast<float>(epsilon),
                               data<float>(y), data<float>(mean), data<float>(scale));
    context->save_for_backward({x});
    context->saved_data["mean"] = mean;
    context->saved_data["scale"] = scale;
    context->saved_data["adds"] = residual.has_value();
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    const Tensor x = context->get_saved_variables()[0], dy = outputs[0].contiguous();
    const bool adds = context->saved_data["adds"].toBool();
    const int64_t n = x.size(-1), m = x.numel() / n;
    Tensor dx = at::empty_like(x);
    kernels<float>().norm_gelu_gradient(m, n, data<float>(dy), data<float>(x), data<float>(context->saved_data["mean"].toTensor()),
                                        data<float>(context->saved_data["scale"].toTensor()), data<float>(dx));
    return {dx, adds ? dy : Tensor(), Tensor()};
  }
};

Tensor norm_gelu_operator(const Tensor& x, const OptionalTensor& residual, double epsilon) {
  TORCH_CHECK(x.dim() > 0 && (!residual || residual->sizes() == x.sizes()), "norm_gelu wants a residual shaped as its input");
  const Tensor ours = x.contiguous();
  const OptionalTensor added = residual ? OptionalTensor(residual->contiguous()) : c10::nullopt;
  if (ours.numel() > 0 && is_plain_float(ours) && (!added || is_plain_float(*added)) && has_kernels<float>())
    return NormGelu::apply(ours, added, epsilon);
  const Tensor y = at::gelu(at::layer_norm(x, {x.size(-1)}, {}, {}, epsilon));
  return residual ? y + *residual : y;
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
    // Scaled where it lies, so there is none left for a second backward.
    Tensor gradient = context->saved_data["gradient"].toTensor();
    TORCH_CHECK(gradient.defined(), "otomask::cosine_loss differentiates once; run the forward pass again");
    context->saved_data["gradient"] = Tensor();
    return {gradient.mul_(outputs[0]), Tensor()};
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
  library.def("linear(Tensor x, Tensor weight, Tensor bias) -> Tensor", linear_operator);
  library.def("layer_norm(Tensor x, Tensor weight, Tensor bias, float epsilon) -> Tensor", layer_norm_operator);
  library.def(
      "attention_branch(Tensor x, Tensor norm_weight, Tensor norm_bias, Tensor qkv_weight, Tensor qkv_bias, "
      "Tensor proj_weight, Tensor proj_bias, int heads, float epsilon) -> Tensor",
      attention_branch_operator);
  library.def(
      "mlp_branch(Tensor x, Tensor norm_weight, Tensor norm_bias, Tensor inner_weight, Tensor inner_bias, "
      "Tensor outer_weight, Tensor outer_bias, float epsilon) -> Tensor",
      mlp_branch_operator);
  library.def("norm_gelu(Tensor x, Tensor? residual, float epsilon) -> Tensor", norm_gelu_operator);
  library.def("cosine_loss(Tensor predicted, Tensor target) -> Tensor", cosine_loss_operator);
}

}  // namespace otomask
