// Softmax attention, one head of one clip at a time: what a head needs stays in the cache, and no head is ever copied out.
#include <cmath>
#include <limits>

#include "kernels.h"
#include "product.h"

namespace otomask::OTOMASK_SET {
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
  static constexpr bool IsPlain = true;
  T* y;
  int64_t stride;
  void expect(int64_t, int64_t, int64_t) const {}
  void operator()(int64_t i, int64_t j, Floats sums, Mask lanes) const { store(y + i * stride + j, sums, lanes); }
};

// The same, row i times factors[i].
template <class T>
struct ScaledRows {
  static constexpr bool IsPlain = true;
  T* y;
  int64_t stride;
  const float* factors;
  void expect(int64_t, int64_t, int64_t) const {}
  void operator()(int64_t i, int64_t j, Floats sums, Mask lanes) const { store(y + i * stride + j, sums * all(factors[i]), lanes); }
};

// Heads are so small that panels of three vectors and one cost more than two of two.
int64_t panel_width(int64_t columns) { return round_up(columns, Lanes) == 4 * Lanes ? NarrowPanelColumns : PanelColumns; }

template <class T, class Left, class After>
void multiply_head(const Left& left, const Packed<T>& right, int64_t m, int64_t n, const After& after) {
  if (right.width == NarrowPanelColumns) {
    multiply<T, NarrowPanelColumns>(left, right, m, n, after);
  } else {
    multiply<T>(left, right, m, n, after);
  }
}

// rows [tokens, d] of one head as the right operand of a product with k along the rows' values, or along the rows.
template <class T>
Packed<T> along_values(AttentionShape s, const T* rows, int64_t stride) {
  Packed<T> packed(s.size, s.tokens, panel_width(s.tokens));
  pack_columns(packed, rows, stride, s.size, s.tokens);
  return packed;
}

template <class T>
Packed<T> along_tokens(AttentionShape s, const T* rows, int64_t stride) {
  Packed<T> packed(s.tokens, s.size, panel_width(s.size));
  pack_rows(packed, rows, stride, s.tokens, s.size);
  return packed;
}

// values [tokens, tokens] (rows `stride` apart) transposed, times right.
template <class T, class After>
void multiply_transposed(AttentionShape s, const T* values, int64_t stride, const Packed<T>& right, const After& after) {
  if constexpr (PerWord<T> == 1) {
    multiply_head<T>(LeftColumnsOf{values, stride}, right, s.tokens, s.size, after);
  } else {
    const Packed<T> packed(s.tokens, s.tokens, LeftColumns);
    pack_rows(packed, values, stride, s.tokens, s.tokens);
    multiply_head<T>(LeftPacked<T>{packed}, right, s.tokens, s.size, after);
  }
}

float softmax_scale(AttentionShape s) { return Log2OfE / std::sqrt(static_cast<float>(s.size)); }

// Of one row: its largest score, times the scale, and the sum of what softmax() leaves.
struct SoftmaxSum {
  float largest, sum;
};

// scores -> 2^(scale (score - largest)), the probabilities times their sum. Lanes past the last token become zero.
template <class T>
SoftmaxSum softmax(const float* scores, T* shares, int64_t tokens, int64_t stride, float scale) {
  const Floats factor = all(scale);
  Floats largest = all(-std::numeric_limits<float>::infinity());
  for (int64_t j = 0; j < tokens; j += Lanes) {
    const Mask lanes = lanes_of(tokens - j);
    largest = larger(largest, load(scores + j, lanes), lanes);
  }
  const float top = largest_of(largest) * scale;
  const Floats shift = all(-top);
  Floats total{};
  for (int64_t j = 0; j < stride; j += Lanes) {
    const Mask lanes = lanes_of(tokens - j);
    const Floats share = keep(exp2<T>(multiply_add(load(scores + j, lanes), factor, shift)), lanes);
    total += share;
    store(shares + j, share, AllLanes);
  }
  return {top, sum_of(total)};
}

// P from the scores and log sums, dS = P (dP - sum(P dP)) / sqrt(d) over dP.
template <class T>
void softmax_gradient(const float* scores, float log_sum, const float* dp, T* probabilities, T* ds, AttentionShape s,
                      int64_t stride) {
  const Floats factor = all(softmax_scale(s)), down = all(-log_sum);
  Floats total{};
  for (int64_t j = 0; j < stride; j += Lanes) {
    const Mask lanes = lanes_of(s.tokens - j);
    const Floats p = keep(exp2<T>(multiply_add(load(scores + j, lanes), factor, down)), lanes);
    total = multiply_add(p, load(dp + j, lanes), total);
    store(probabilities + j, p, AllLanes);
  }
  const Floats mean = all(sum_of(total));
  const Floats scale = all(1 / std::sqrt(static_cast<float>(s.size)));
  for (int64_t j = 0; j < stride; j += Lanes) {
    const Floats slope = (load(dp + j, lanes_of(s.tokens - j)) - mean) * scale;
    store(ds + j, load(probabilities + j, AllLanes) * slope, AllLanes);
  }
}

}  // namespace

template <class T>
void attention(AttentionShape s, const T* qkv, T* out, float* log_sums) {
  const int64_t stride = round_up(s.tokens, Lanes);
  at::parallel_for(0, s.clips * s.heads, 1, [&](int64_t begin, int64_t end) {
    const Scratch<float> scores(s.tokens * stride), down(s.tokens);
    const Scratch<T> shares(s.tokens * stride);
    for (int64_t index = begin; index < end; index++) {
      const Head<T> head(s, index);
      const LeftRows q = left_rows(head.part(qkv, 0), head.in_stride());
      multiply_head<T>(q, along_values(s, head.part(qkv, 1), head.in_stride()), s.tokens, s.tokens,
                       Rows<float>{scores.get(), stride});
      for (int64_t i = 0; i < s.tokens; i++) {
        const SoftmaxSum row =
            softmax(scores.get() + i * stride, shares.get() + i * stride, s.tokens, stride, softmax_scale(s));
        log_sums[index * s.tokens + i] = row.largest + std::log2(row.sum);
        down.get()[i] = 1 / row.sum;
      }
      multiply_head<T>(left_rows(shares.get(), stride), along_tokens(s, head.part(qkv, 2), head.in_stride()), s.tokens,
                       s.size, ScaledRows<T>{head.out(out), head.out_stride(), down.get()});
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
      multiply_head<T>(left_rows(q, step), along_values(s, k, step), s.tokens, s.tokens,
                       Rows<float>{scores.get(), stride});
      multiply_head<T>(left_rows(dy, head.out_stride()), along_values(s, v, step), s.tokens, s.tokens,
                       Rows<float>{dp.get(), stride});
      for (int64_t i = 0; i < s.tokens; i++) {
        const int64_t row = i * stride;
        softmax_gradient(scores.get() + row, log_sums[index * s.tokens + i], dp.get() + row, probabilities.get() + row,
                         ds.get() + row, s, stride);
      }
      multiply_head<T>(left_rows(ds.get(), stride), along_tokens(s, k, step), s.tokens, s.size,
                       Rows<T>{head.part(dqkv, 0), step});
      multiply_transposed<T>(s, ds.get(), stride, along_tokens(s, q, step), Rows<T>{head.part(dqkv, 1), step});
      multiply_transposed<T>(s, probabilities.get(), stride, along_tokens(s, dy, head.out_stride()),
                             Rows<T>{head.part(dqkv, 2), step});
    }
  });
}

template <class T>
void enter_attention(Kernels<T>& kernels) {
  kernels.attention = attention<T>;
  kernels.attention_gradient = attention_gradient<T>;
}

#ifdef OTOMASK_SET_HAS_FLOAT
template void enter_attention(Kernels<float>&);
#endif
#ifdef OTOMASK_SET_HAS_BFLOAT16
template void enter_attention(Kernels<BFloat16>&);
#endif

}  // namespace otomask::OTOMASK_SET
