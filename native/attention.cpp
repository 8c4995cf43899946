// Softmax attention, one head of one clip at a time: what a head needs stays in the cache, and no head is ever copied out.
#include <cmath>
#include <limits>

#include "kernels.h"
#include "product.h"

namespace otomask {
namespace {

constexpr float Log2OfE = 1.44269504f;

// Where one head of one clip lies in qkv [B, N, 3, h, d] and out [B, N, h, d].
template <class T>
struct Head {
  Head(AttentionShape s, int64_t index) : s(s), clip(index / s.heads), head(index % s.heads) {}

  T* part(T* qkv, int64_t which) const {
    return qkv + clip * s.tokens * in_stride() + which * s.heads * s.size + head * s.size;
  }
  const T* part(const T* qkv, int64_t which) const { return part(const_cast<T*>(qkv), which); }
  T* out(T* values) const { return values + clip * s.tokens * out_stride() + head * s.size; }
  const T* out(const T* values) const { return out(const_cast<T*>(values)); }

  int64_t in_stride() const { return 3 * out_stride(); }
  int64_t out_stride() const { return s.heads * s.size; }

  AttentionShape s;
  int64_t clip, head;
};

template <class T>
struct Rows {
  T* y;
  int64_t stride;
  void expect(int64_t, int64_t, int64_t) const {}
  void operator()(int64_t i, int64_t j, __m512 sums, __mmask16 lanes) const { store(y + i * stride + j, sums, lanes); }
};

// rows [tokens, d] of one head as the right operand of a product with k along the rows' values, or along the rows.
template <class T>
Packed<T> along_values(AttentionShape s, const T* rows, int64_t stride) {
  Packed<T> packed(s.size, s.tokens, PanelColumns);
  pack_columns(packed, rows, stride, s.size, s.tokens);
  return packed;
}

template <class T>
Packed<T> along_tokens(AttentionShape s, const T* rows, int64_t stride) {
  Packed<T> packed(s.tokens, s.size, PanelColumns);
  pack_rows(packed, rows, stride, s.tokens, s.size);
  return packed;
}

// values [tokens, tokens] (rows `stride` apart) transposed, as a left operand.
template <class T>
Packed<T> transposed(AttentionShape s, const T* values, int64_t stride) {
  Packed<T> packed(s.tokens, s.tokens, LeftColumns);
  pack_rows(packed, values, stride, s.tokens, s.tokens);
  return packed;
}

float softmax_scale(AttentionShape s) { return Log2OfE / std::sqrt(static_cast<float>(s.size)); }

// scores -> probabilities; returns the base-2 logarithm of the sum. Lanes past the last token become zero. The scores are
// overwritten.
template <class T>
float softmax(float* scores, T* probabilities, int64_t tokens, int64_t stride, float scale) {
  const __m512 factor = _mm512_set1_ps(scale);
  __m512 largest = _mm512_set1_ps(-std::numeric_limits<float>::infinity());
  for (int64_t j = 0; j < tokens; j += Lanes) {
    const __mmask16 lanes = lanes_of(tokens - j);
    largest = _mm512_mask_max_ps(largest, lanes, largest, load(scores + j, lanes));
  }
  const float top = _mm512_reduce_max_ps(largest) * scale;
  const __m512 shift = _mm512_set1_ps(-top);
  __m512 total = _mm512_setzero_ps();
  for (int64_t j = 0; j < stride; j += Lanes) {
    const __mmask16 lanes = lanes_of(tokens - j);
    const __m512 share = _mm512_maskz_mov_ps(lanes, exp2<T>(_mm512_fmadd_ps(load(scores + j, lanes), factor, shift)));
    total = _mm512_add_ps(total, share);
    store(scores + j, share, AllLanes);
  }
  const float sum = _mm512_reduce_add_ps(total);
  const __m512 scale_down = _mm512_set1_ps(1 / sum);
  for (int64_t j = 0; j < stride; j += Lanes)
    store(probabilities + j, _mm512_mul_ps(load(scores + j, AllLanes), scale_down), AllLanes);
  return top + std::log2(sum);
}

// P from the scores and log sums, dS = P (dP - sum(P dP)) / sqrt(d) over dP.
template <class T>
void softmax_gradient(const float* scores, float log_sum, const float* dp, T* probabilities, T* ds, AttentionShape s,
                      int64_t stride) {
  const __m512 factor = _mm512_set1_ps(softmax_scale(s)), down = _mm512_set1_ps(-log_sum);
  __m512 total = _mm512_setzero_ps();
  for (int64_t j = 0; j < stride; j += Lanes) {
    const __mmask16 lanes = lanes_of(s.tokens - j);
    const __m512 p = _mm512_maskz_mov_ps(lanes, exp2<T>(_mm512_fmadd_ps(load(scores + j, lanes), factor, down)));
    total = _mm512_fmadd_ps(p, load(dp + j, lanes), total);
    store(probabilities + j, p, AllLanes);
  }
  const __m512 mean = _mm512_set1_ps(_mm512_reduce_add_ps(total));
  const __m512 scale = _mm512_set1_ps(1 / std::sqrt(static_cast<float>(s.size)));
  for (int64_t j = 0; j < stride; j += Lanes) {
    const __m512 slope = _mm512_mul_ps(_mm512_sub_ps(load(dp + j, lanes_of(s.tokens - j)), mean), scale);
    store(ds + j, _mm512_mul_ps(load(probabilities + j, AllLanes), slope), AllLanes);
  }
}

}  // namespace

template <class T>
void attention(AttentionShape s, const T* qkv, T* out, float* log_sums) {
  const int64_t stride = round_up(s.tokens, Lanes);
  at::parallel_for(0, s.clips * s.heads, 1, [&](int64_t begin, int64_t end) {
    const Scratch<float> scores(s.tokens * stride);
    const Scratch<T> probabilities(s.tokens * stride);
    for (int64_t index = begin; index < end; index++) {
      const Head<T> head(s, index);
      const LeftRows q = left_rows(head.part(qkv, 0), head.in_stride());
      multiply<T>(q, along_values(s, head.part(qkv, 1), head.in_stride()), s.tokens, s.tokens,
                  Rows<float>{scores.get(), stride});
      for (int64_t i = 0; i < s.tokens; i++) {
        log_sums[index * s.tokens + i] =
            softmax(scores.get() + i * stride, probabilities.get() + i * stride, s.tokens, stride, softmax_scale(s));
      }
      multiply<T>(left_rows(probabilities.get(), stride), along_tokens(s, head.part(qkv, 2), head.in_stride()),
                  s.tokens, s.size, Rows<T>{head.out(out), head.out_stride()});
    }
  });
}

template <class T>
void attention_gradient(AttentionShape s, const T* qkv, const float* log_sums, const T* dout, T* dqkv) {
  const int64_t stride = round_up(s.tokens, Lanes);
  at::parallel_for(0, s.clips * s.heads, 1, [&](int64_t begin, int64_t end) {
    const Scratch<float> scores(s.tokens * stride), dp(s.tokens * stride);
    const Scratch<T> probabilities(s.tokens * stride), ds(s.tokens * stride);
    for (int64_t index = begin; index < end; index++) {
      const Head<T> head(s, index);
      const int64_t step = head.in_stride();
      const T *q = head.part(qkv, 0), *k = head.part(qkv, 1), *v = head.part(qkv, 2), *dy = head.out(dout);
      multiply<T>(left_rows(q, step), along_values(s, k, step), s.tokens, s.tokens, Rows<float>{scores.get(), stride});
      multiply<T>(left_rows(dy, head.out_stride()), along_values(s, v, step), s.tokens, s.tokens,
                  Rows<float>{dp.get(), stride});
      for (int64_t i = 0; i < s.tokens; i++) {
        const int64_t row = i * stride;
        softmax_gradient(scores.get() + row, log_sums[index * s.tokens + i], dp.get() + row, probabilities.get() + row,
                         ds.get() + row, s, stride);
      }
      multiply<T>(left_rows(ds.get(), stride), along_tokens(s, k, step), s.tokens, s.size,
                  Rows<T>{head.part(dqkv, 0), step});
      multiply<T>(LeftPacked<T>{transposed(s, ds.get(), stride)}, along_tokens(s, q, step), s.tokens, s.size,
                  Rows<T>{head.part(dqkv, 1), step});
      multiply<T>(LeftPacked<T>{transposed(s, probabilities.get(), stride)}, along_tokens(s, dy, head.out_stride()),
                  s.tokens, s.size, Rows<T>{head.part(dqkv, 2), step});
    }
  });
}

#define OTOMASK_FOR(T)                                                   \
  template void attention(AttentionShape, const T*, T*, float*);         \
  template void attention_gradient(AttentionShape, const T*, const float*, const T*, T*);
OTOMASK_FOR(float)
OTOMASK_FOR(BFloat16)

}  // namespace otomask
