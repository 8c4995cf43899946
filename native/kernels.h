/* The kernels of a transformer on the CPU: plain pointers in, plain pointers out, no libtorch.
 *
 * T is float or c10::BFloat16, the type of the activations that enter matrix products; sums, weights, the residual stream
 * and everything inside a normalisation or a softmax are float32. All matrices are row-major and contiguous. Results do
 * not depend on the number of threads. The kernels are compiled for several instruction sets (dispatch.cpp chooses), but
 * not for every processor: ask has_kernels first; transformer.cpp has the formula in ATen operators for every other case. */
#ifndef OTOMASK_KERNELS_H
#define OTOMASK_KERNELS_H

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace otomask {

/* Each is faster than those before it; the last one has bfloat16 too. */
enum class KernelSet : int32_t { None = 0, Avx2 = 1, Avx512 = 2, Avx512Bf16 = 3 };

/* The best set that this processor runs: it runs all before it as well. */
KernelSet best_kernels();

/* The set in use: the best one, until use_kernels changes it for every operation that begins later, on any thread.
 * std::invalid_argument where this processor does not run the set. */
KernelSet kernels_in_use();
void use_kernels(KernelSet set);

/* Whether kernels that begin later multiply bfloat16 in pairs, by the instruction for it (lanes_avx512.h); at first where that is faster. */
bool multiplies_pairs();
void multiply_pairs(bool pairs);

/* Whether the processor multiplies tiles of bfloat16 (Intel's AMX), and the system lets it. ATen can, through oneDNN; these kernels cannot. */
bool has_amx();

/* Whether operations that begin on this thread leave bfloat16 to ATen even where there are kernels; not at first. */
bool leaves_bf16_to_aten();
void leave_bf16_to_aten(bool leave);

/* Where the gradient of a parameter is added up: in float32, or in bfloat16, to which the new sum is rounded. One of the
 * two is null; both, where no gradient is wanted. */
struct GradientSum {
  float* fp32;
  c10::BFloat16* bf16;
  explicit operator bool() const { return fp32 || bf16; }
  GradientSum from(int64_t first) const { return {fp32 ? fp32 + first : nullptr, bf16 ? bf16 + first : nullptr}; }
};

/* m rows from k inputs to n outputs. */
struct LinearShape {
  int64_t m, k, n;
};

struct AttentionShape {
  int64_t clips, tokens, heads, size;  // B, N, h, d
};

template <class T>
struct Kernels {
  /* y [m, n] = x [m, k] weight^T + bias, weight [n, k]. */
  void (*linear)(LinearShape shape, const T* x, const float* weight, const float* bias, T* y);

  /* The same, added to the residual stream: y = residual + x weight^T + bias. */
  void (*linear_add)(LinearShape shape, const T* x, const float* weight, const float* bias, const float* residual,
                     float* y);

  /* y = gelu(before) = before Phi(before) with before = x weight^T + bias, which is kept for the gradient unless null. */
  void (*linear_gelu)(LinearShape shape, const T* x, const float* weight, const float* bias, T* before, T* y);

  /* dx [m, k] = dy [m, n] weight. */
  void (*linear_input_gradient)(LinearShape shape, const T* dy, const float* weight, T* dx);

  /* The same through a GELU before the map: x = gelu(before) is computed again, and `before` becomes its gradient. */
  void (*linear_gelu_input_gradient)(LinearShape shape, const T* dy, const float* weight, T* before, T* x);

  /* weight_gradient [n, k] += dy^T x and bias_gradient [n] += the sum of dy over rows. */
  void (*linear_weight_gradient)(LinearShape shape, const T* dy, const T* x, GradientSum weight_gradient,
                                 GradientSum bias_gradient);

  /* out [B, N, h d] = softmax(q k^T / sqrt(d)) v of each head; qkv [B, N, 3, h, d]. log_sums [B, h, N], for the gradient,
   * are the logarithms to base 2 of the softmax's denominators. */
  void (*attention)(AttentionShape shape, const T* qkv, T* out, float* log_sums);

  /* dqkv from dout; the probabilities are computed again, which costs less than keeping them. */
  void (*attention_gradient)(AttentionShape shape, const T* qkv, const float* log_sums, const T* dout, T* dqkv);

  /* y [m, n]: every row of x less its mean, over its deviation, times weight plus bias. mean and scale (one over the
   * deviation) [m] are for the gradient. */
  void (*layer_norm)(int64_t m, int64_t n, const float* x, const float* weight, const float* bias, float epsilon, T* y,
                     float* mean, float* scale);

  /* dx (plus `residual`, the gradient that reaches x on another way, unless null), and weight_gradient [n] and
   * bias_gradient [n], to which is added. */
  void (*layer_norm_gradient)(int64_t m, int64_t n, const T* dy, const float* x, const float* weight, const float* mean,
                              const float* scale, const float* residual, float* dx, GradientSum weight_gradient,
                              GradientSum bias_gradient);

  /* losses [m]: 2 - 2 cos(row of predicted, standardised row of target), whose variance is unbiased; gradient [m, n]: that
   * of their mean in predicted. The same for every T. */
  void (*cosine_loss)(int64_t m, int64_t n, const float* predicted, const float* target, float* losses, float* gradient);

  /* y [m, n] = gelu(unit) + residual, which may be null: unit is every row of x less its mean, over its deviation. mean and
   * scale as of layer_norm. The same for every T. */
  void (*norm_gelu)(int64_t m, int64_t n, const float* x, const float* residual, float epsilon, float* y, float* mean, float* scale);

  /* dx; dy is the gradient of the residual as it is. The same for every T. */
  void (*norm_gelu_gradient)(int64_t m, int64_t n, const float* dy, const float* x, const float* mean, const float* scale, float* dx);
};

/* Whether the set in use has kernels for T. */
template <class T>
bool has_kernels();

/* The kernels of the set in use. A backward pass whose forward pass has_kernels let through may call them even after the
 * set was changed to one without. */
template <class T>
const Kernels<T>& kernels();

/* What they are made of: their files are compiled once per instruction set, and each enters what it has. avx2 has no
 * bfloat16, avx512_halves has nothing else. */

#define OTOMASK_ENTRIES                       \
  template <class T>                          \
  void enter_linear(Kernels<T>& kernels);     \
  template <class T>                          \
  void enter_attention(Kernels<T>& kernels);  \
  template <class T>                          \
  void enter_layer_norm(Kernels<T>& kernels); \
  template <class T>                          \
  void enter_cosine_loss(Kernels<T>& kernels); \
  template <class T>                          \
  void enter_norm_gelu(Kernels<T>& kernels);

namespace avx2 {
OTOMASK_ENTRIES
}  // namespace avx2

namespace avx512 {
OTOMASK_ENTRIES
}  // namespace avx512

namespace avx512_halves {
OTOMASK_ENTRIES
}  // namespace avx512_halves

#undef OTOMASK_ENTRIES

}  // namespace otomask

#endif
