// The loss of Masked Modeling Duo (Niizumi et al., arXiv 2210.14648): one pass over prediction and target gives the loss of
// each row, a second writes the gradient, while the row is in the first cache.
#include <cmath>

#include "kernels.h"
#include "product.h"

namespace otomask::OTOMASK_SET {

void cosine_loss(int64_t m, int64_t n, const float* predicted, const float* target, float* losses, float* gradient) {
  constexpr float smallest_norm = 1e-12f, epsilon = 1e-6f;
  at::parallel_for(0, m, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const float *p = predicted + i * n, *t = target + i * n;
      Floats total{}, pp{}, tt{}, pt{};
      for (int64_t j = 0; j < n; j += Lanes) total += load(t + j, lanes_of(n - j));
      const Floats mean = all(sum_of(total) / n);
      for (int64_t j = 0; j < n; j += Lanes) {
        const Mask lanes = lanes_of(n - j);
        const Floats own = load(p + j, lanes), wanted = keep(load(t + j, lanes) - mean, lanes);
        pp = multiply_add(own, own, pp);
        tt = multiply_add(wanted, wanted, tt);
        pt = multiply_add(own, wanted, pt);
      }
      const float square = sum_of(tt), norm = std::sqrt(sum_of(pp));
      const float deviation = 1 / std::sqrt(square / (n - 1) + epsilon);  // standardised: (t - mean) * deviation
      const float unit_target = deviation / std::max(std::sqrt(square) * deviation, smallest_norm);
      const float unit_own = 1 / std::max(norm, smallest_norm);
      const float cosine = sum_of(pt) * unit_target * unit_own;
      losses[i] = 2 - 2 * cosine;
      // d(-2 cos) / dp = -2 (t^ - p^ cos) / |p|; below the smallest norm, p^ = p / 1e-12 is linear.
      const Floats to_target = all(-2 / static_cast<float>(m) * unit_target * unit_own);
      const float back = norm > smallest_norm ? 2 / static_cast<float>(m) * cosine * unit_own * unit_own : 0;
      for (int64_t j = 0; j < n; j += Lanes) {
        const Mask lanes = lanes_of(n - j);
        const Floats along = to_target * (load(t + j, lanes) - mean);
        store(gradient + i * n + j, multiply_add(all(back), load(p + j, lanes), along), lanes);
      }
    }
  });
}

template <class T>
void enter_cosine_loss(Kernels<T>& kernels) {
  kernels.cosine_loss = cosine_loss;
}

#ifdef OTOMASK_SET_HAS_FLOAT
template void enter_cosine_loss(Kernels<float>&);
#endif
#ifdef OTOMASK_SET_HAS_BFLOAT16
template void enter_cosine_loss(Kernels<BFloat16>&);
#endif

}  // namespace otomask::OTOMASK_SET
