// The loss of Masked Modeling Duo (Niizumi et al., arXiv 2210.14648): one pass over prediction and target gives the loss of
// each row, a second writes the gradient, while the row is in the first cache.
#include <cmath>

#include "kernels.h"
#include "product.h"

namespace otomask {

void cosine_loss(int64_t m, int64_t n, const float* predicted, const float* target, float* losses, float* gradient) {
  constexpr float smallest_norm = 1e-12f, epsilon = 1e-6f;
  at::parallel_for(0, m, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
      const float *p = predicted + i * n, *t = target + i * n;
      __m512 total = _mm512_setzero_ps(), pp = total, tt = total, pt = total;
      for (int64_t j = 0; j < n; j += Lanes) total = _mm512_add_ps(total, load(t + j, lanes_of(n - j)));
      const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(total) / n);
      for (int64_t j = 0; j < n; j += Lanes) {
        const __mmask16 lanes = lanes_of(n - j);
        const __m512 own = load(p + j, lanes), wanted = _mm512_maskz_sub_ps(lanes, load(t + j, lanes), mean);
        pp = _mm512_fmadd_ps(own, own, pp);
        tt = _mm512_fmadd_ps(wanted, wanted, tt);
        pt = _mm512_fmadd_ps(own, wanted, pt);
      }
      const float square = _mm512_reduce_add_ps(tt), norm = std::sqrt(_mm512_reduce_add_ps(pp));
      const float deviation = 1 / std::sqrt(square / (n - 1) + epsilon);  // standardised: (t - mean) * deviation
      const float unit_target = deviation / std::max(std::sqrt(square) * deviation, smallest_norm);
      const float unit_own = 1 / std::max(norm, smallest_norm);
      const float cosine = _mm512_reduce_add_ps(pt) * unit_target * unit_own;
      losses[i] = 2 - 2 * cosine;
      // d(-2 cos) / dp = -2 (t^ - p^ cos) / |p|; below the smallest norm, p^ = p / 1e-12 is linear.
      const __m512 to_target = _mm512_set1_ps(-2 / static_cast<float>(m) * unit_target * unit_own);
      const float back = norm > smallest_norm ? 2 / static_cast<float>(m) * cosine * unit_own * unit_own : 0;
      for (int64_t j = 0; j < n; j += Lanes) {
        const __mmask16 lanes = lanes_of(n - j);
        const __m512 along = _mm512_mul_ps(to_target, _mm512_sub_ps(load(t + j, lanes), mean));
        store(gradient + i * n + j, _mm512_fmadd_ps(_mm512_set1_ps(back), load(p + j, lanes), along), lanes);
      }
    }
  });
}

}  // namespace otomask
