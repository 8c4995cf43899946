// Activation checkpointing: a transformer block that keeps nothing but its input, and computes the rest a second time when
// its gradient is wanted (Chen et al., "Training deep nets with sublinear memory cost", 2016). One operator more,
// otomask::checkpointed_block, made of the others: it works wherever they do and returns the same bits.
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>

#include "autocast.h"
#include "kernels.h"

namespace otomask {
namespace {

using at::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class Signature>
c10::TypedOperatorHandle<Signature> find(const char* name) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, "").typed<Signature>();
}

constexpr size_t block_parameters = 12;

// What Block in Models/Transformer.cs does. p: weight and bias of norm1, qkv, proj, norm2, fc1, fc2.
Tensor block(const Tensor& x, at::TensorList p, int64_t heads, double epsilon) {
  using T = const Tensor&;
  static const auto attention = find<Tensor(T, T, T, T, T, T, T, int64_t, double)>("otomask::attention_branch");
  static const auto mlp = find<Tensor(T, T, T, T, T, T, T, double)>("otomask::mlp_branch");
  return mlp.call(attention.call(x, p[0], p[1], p[2], p[3], p[4], p[5], heads, epsilon), p[6], p[7], p[8], p[9], p[10], p[11],
                  epsilon);
}

// Autocast as it was in the forward pass, and who computes it. What was cast meanwhile is forgotten: the casts remember a graph, or lack one.
class AutocastGuard {
 public:
  AutocastGuard(c10::DeviceType device, Autocast autocast, bool leaves_bf16)
      : device_(device), before_(autocast_of(device)), left_before_(leaves_bf16_to_aten()) {
    set_autocast(device, autocast);
    leave_bf16_to_aten(leaves_bf16);
  }
  ~AutocastGuard() {
    at::autocast::clear_cache();
    leave_bf16_to_aten(left_before_);
    set_autocast(device_, before_);
  }
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  c10::DeviceType device_;
  Autocast before_;
  bool left_before_;
};

struct CheckpointedBlock : torch::autograd::Function<CheckpointedBlock> {
  static Tensor forward(AutogradContext* context, const Tensor& x, at::TensorList parameters, int64_t heads, double epsilon) {
    const Autocast autocast = autocast_of(x.device().type());
    context->saved_data["heads"] = heads;
    context->saved_data["epsilon"] = epsilon;
    context->saved_data["autocast"] = autocast.enabled;
    context->saved_data["type"] = autocast.type;
    context->saved_data["leaves_bf16"] = leaves_bf16_to_aten();
    variable_list kept = parameters.vec();
    kept.push_back(x);
    context->save_for_backward(std::move(kept));
    const AutocastGuard guard(x.device().type(), autocast, leaves_bf16_to_aten());
    return block(x, parameters, heads, epsilon);
  }

  static variable_list backward(AutogradContext* context, variable_list outputs) {
    variable_list parameters = context->get_saved_variables();
    const Tensor kept = parameters.back(), x = kept.detach().requires_grad_(kept.requires_grad());
    parameters.pop_back();
    for (const Tensor& parameter : parameters)
      TORCH_CHECK(parameter.is_leaf(), "otomask::checkpointed_block wants parameters that no operator made");
    auto& settings = context->saved_data;
    Tensor y;
    {
      const AutocastGuard guard(
          x.device().type(), {settings["autocast"].toBool(), settings["type"].toScalarType()}, settings["leaves_bf16"].toBool());
      const c10::AutoGradMode recording(true);
      y = block(x, parameters, settings["heads"].toInt(), settings["epsilon"].toDouble());
    }
    // Adds the gradients of the parameters where they belong, so autograd receives that of x alone.
    torch::autograd::backward({y}, {outputs[0]});
    variable_list gradients(1 + parameters.size() + 2);
    gradients[0] = x.grad();
    return gradients;
  }
};

Tensor checkpointed_block_operator(const Tensor& x, at::TensorList parameters, int64_t heads, double epsilon) {
  TORCH_CHECK(parameters.size() == block_parameters, "a transformer block has ", block_parameters, " parameters, not ",
              parameters.size());
  return CheckpointedBlock::apply(x, parameters, heads, epsilon);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(otomask, library) {
  library.def("checkpointed_block(Tensor x, Tensor[] parameters, int heads, float epsilon) -> Tensor", checkpointed_block_operator);
}

}  // namespace otomask
