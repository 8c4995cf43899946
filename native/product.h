/* Matrix products with what comes before and after them fused in.
 *
 * C [m, n] = A [m, k] B [k, n], sums in float32. The unit along k is a word of four bytes: one float32, or two bfloat16
 * that follow each other along k; so both types share packing and loops, and differ in one instruction. B is packed in
 * panels three vectors wide (or two, see attention.cpp), word (p, j) of a panel at p * PanelColumns + j. TileRows rows of A times one panel fill three
 * quarters of the registers with sums; every sum runs over all of k in order on one thread, so results do not depend on
 * the number of threads. */
#ifndef OTOMASK_PRODUCT_H
#define OTOMASK_PRODUCT_H

#include <ATen/Parallel.h>

#include <atomic>
#include <memory>
#include <new>

#include "lanes.h"

namespace otomask::OTOMASK_SET {

constexpr int64_t PanelColumns = 3 * Lanes, NarrowPanelColumns = 2 * Lanes, LeftColumns = Lanes;

template <class T>
constexpr int64_t PerWord = sizeof(uint32_t) / sizeof(T);

template <class T>
constexpr int64_t words(int64_t k) {
  return (k + PerWord<T> - 1) / PerWord<T>;
}

/* Memory for packed matrices, aligned to cache lines. */
template <class Value = uint32_t>
class Scratch {
 public:
  explicit Scratch(int64_t count)
      : values(static_cast<Value*>(::operator new(std::max<int64_t>(count, 1) * sizeof(Value), std::align_val_t(64)))) {}
  Value* get() const { return values.get(); }

 private:
  struct Free {
    void operator()(Value* memory) const { ::operator delete(memory, std::align_val_t(64)); }
  };
  std::unique_ptr<Value, Free> values;
};

/* body(task) for every task, each thread taking the next one when it is free: data loaders use the processor too, so equal
 * shares would not end together. Inside at::parallel_for it runs on the calling thread alone. */
template <class Body>
void share_out(int64_t tasks, const Body& body) {
  std::atomic<int64_t> next{0};
  at::parallel_for(0, std::min<int64_t>(tasks, at::get_num_threads()), 1, [&](int64_t, int64_t) {
    for (int64_t task = next++; task < tasks; task = next++) body(task);
  });
}

/* A vector of words from two rows that follow each other along k (one row, for float32). */
template <class T, class Source>
inline Words interleave(const Source* first, const Source* second, Mask lanes) {
  if constexpr (PerWord<T> == 1) {
    return words_of(load(first, lanes));
  } else {
    return pairs_of(first, second, lanes);
  }
}

/* A vector of words that follow each other in one row, of which `count` values exist. */
template <class T, class Source>
inline Words word_row(const Source* from, int64_t count) {
  if constexpr (PerWord<T> == 1) {
    return words_of(load(from, lanes_of(count)));
  } else {
    return pairs_along(from, count);
  }
}

/* A packed operand: panels of `width` columns, `depth` words along k. */
template <class T>
struct Packed {
  Packed(int64_t k, int64_t columns, int64_t width)
      : depth(words<T>(k)), width(width), memory(depth * round_up(columns, width)) {}

  uint32_t* at(int64_t p, int64_t column) const {
    return memory.get() + column / width * width * depth + p * width + column % width;
  }

  int64_t depth, width;
  Scratch<> memory;
};

/* Rows lie too far apart for the processor to guess which comes next. */
constexpr int64_t PrefetchRows = 16;

template <class Source>
inline void prefetch(const Source* from, int64_t count) {
  const auto* bytes = reinterpret_cast<const char*>(from);
  for (int64_t at = 0; at < count * int64_t(sizeof(Source)); at += 64) __builtin_prefetch(bytes + at);
}

/* Values that are worth a thread. */
constexpr int64_t PackGrain = 16384;

template <class T, int Vectors, class Source>
void pack_group(const Packed<T>& packed, const Source* source, int64_t stride, int64_t k, int64_t columns, int64_t j,
                GradientSum sums) {
  Mask lanes[Vectors];
  uint32_t* to[Vectors];
  Floats sum[Vectors];
  for (int v = 0; v < Vectors; v++) {
    lanes[v] = lanes_of(columns - j - v * Lanes);
    to[v] = packed.at(0, j + v * Lanes);
    sum[v] = Floats{};
  }
  for (int64_t p = 0; p < packed.depth; p++) {
    const Source* first = source + p * PerWord<T> * stride;
    const Source* second = p * PerWord<T> + 1 < k ? first + stride : nullptr;
    for (int64_t row = 0; row < PerWord<T>; row++) prefetch(first + (PrefetchRows + row) * stride, Vectors * Lanes);
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; v++) {
      const int64_t at = v * Lanes;
      store_words(to[v] + p * packed.width, interleave<T>(first + at, second ? second + at : nullptr, lanes[v]));
      if (sums) {
        sum[v] += load(first + at, lanes[v]);
        if (PerWord<T> == 2 && second) sum[v] += load(second + at, lanes[v]);
      }
    }
  }
  for (int v = 0; sums && v < Vectors; v++) {
    const int64_t at = j + v * Lanes;
    store(sums, at, load(sums, at, lanes[v]) + sum[v], lanes[v]);
  }
}

/* Packs source [k, columns]: k runs down the rows. To `sums`, where given, is added the sum of each column. */
template <class T, class Source>
void pack_rows(const Packed<T>& packed, const Source* source, int64_t stride, int64_t k, int64_t columns,
               GradientSum sums = {}) {
  // Three vectors at a time, so that most of each cache line is used when it comes by.
  const int64_t all = round_up(columns, packed.width), groups = round_up(all, PanelColumns) / PanelColumns;
  at::parallel_for(0, groups, std::max<int64_t>(1, PackGrain / (k * PanelColumns)), [&](int64_t begin, int64_t end) {
    for (int64_t j = begin * PanelColumns; j < end * PanelColumns; j += PanelColumns) {
      const int64_t vectors = std::min<int64_t>(3, (all - j) / Lanes);
      if (vectors == 3) pack_group<T, 3>(packed, source + j, stride, k, columns, j, sums);
      if (vectors == 2) pack_group<T, 2>(packed, source + j, stride, k, columns, j, sums);
      if (vectors == 1) pack_group<T, 1>(packed, source + j, stride, k, columns, j, sums);
    }
  });
}

/* Packs source [columns, k] transposed: k runs along the rows. */
template <class T, class Source>
void pack_columns(const Packed<T>& packed, const Source* source, int64_t stride, int64_t k, int64_t columns) {
  const int64_t blocks = round_up(columns, packed.width) / Lanes;
  at::parallel_for(0, blocks, std::max<int64_t>(1, PackGrain / (k * Lanes)), [&](int64_t begin, int64_t end) {
    for (int64_t j = begin * Lanes; j < end * Lanes; j += Lanes) {
      for (int64_t p = 0; p < packed.depth; p += Lanes) {
        Words rows[Lanes];
        for (int64_t i = 0; i < Lanes; i++) {
          prefetch(source + (j + i) * stride + (p + 4 * Lanes) * PerWord<T>, Lanes * PerWord<T>);
          rows[i] = j + i < columns ? word_row<T>(source + (j + i) * stride + p * PerWord<T>, k - p * PerWord<T>)
                                    : Words{};
        }
        transpose(rows);
        const int64_t deep = std::min(Lanes, packed.depth - p);
        for (int64_t i = 0; i < deep; i++) store_words(packed.at(p + i, j), rows[i]);
      }
    }
  });
}

/* The left operand: word (i, p) at row(i) + p * step(), and row_step() from row to row; rows as they lie in memory, or packed. */
struct LeftRows {
  const uint32_t* data;
  int64_t stride;
  const uint32_t* row(int64_t i) const { return data + i * stride; }
  int64_t row_step() const { return stride; }
  static constexpr int64_t step() { return 1; }
  static constexpr bool IsAlongRows = true;
};

template <class T>
LeftRows left_rows(const T* data, int64_t stride) {
  return {reinterpret_cast<const uint32_t*>(data), stride / PerWord<T>};
}

template <class T>
struct LeftPacked {
  const Packed<T>& packed;
  const uint32_t* row(int64_t i) const { return packed.at(0, i); }
  static constexpr int64_t row_step() { return 1; }
  static constexpr int64_t step() { return LeftColumns; }
  static constexpr bool IsAlongRows = false;
};

/* The transpose of rows as they lie in memory; only where a word is one value. */
struct LeftColumnsOf {
  const float* data;
  int64_t stride;
  const uint32_t* row(int64_t i) const { return reinterpret_cast<const uint32_t*>(data) + i; }
  static constexpr int64_t row_step() { return 1; }
  int64_t step() const { return stride; }
  static constexpr bool IsAlongRows = false;
};

constexpr int64_t LineWords = 16;  // of a cache line

/* What does next to nothing with its sums says so by a member IsPlain, and gets them as they leave the registers. */
template <class After>
constexpr bool IsPlain = requires { After::IsPlain; };

/* Rows i .. i + Rows of the product with Vectors * Lanes columns of one panel. */
template <class T, int64_t Width, int Rows, int Vectors, class Left, class After>
inline void tile(const Left& left, const uint32_t* panel, int64_t depth, int64_t i, int64_t j, int64_t n,
                 const After& after) {
  Floats sum[Rows][Vectors];
  for (auto& row : sum)
    for (auto& vector : row) vector = Floats{};
  for (int r = 0; r < Rows; r++) after.expect(i + r, j, std::min(n - j, int64_t(Vectors) * Lanes));
  const uint32_t* a = left.row(i);
  const int64_t row_step = left.row_step(), step = left.step();
  for (int64_t line = 0; line < depth; line += LineWords) {
    if constexpr (Left::IsAlongRows)
      for (int r = 0; r < Rows; r++) prefetch(a + (Rows + r) * row_step + line, 1);  // the next tile's
    const int64_t end = std::min(depth, line + LineWords);
    for (int64_t p = line; p < end; p++) {
      Words b[Vectors];
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; v++) b[v] = load_words(panel + p * Width + v * Lanes);
#pragma GCC unroll 8
      for (int r = 0; r < Rows; r++) {
        const Words word = all_words(a[r * row_step + p * step]);
#pragma GCC unroll 3
        for (int v = 0; v < Vectors; v++) sum[r][v] = multiply_add_words<T>(word, b[v], sum[r][v]);
      }
    }
  }
  if (IsPlain<After> && n - j >= Vectors * Lanes) {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; r++)
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; v++) after(i + r, j + v * Lanes, sum[r][v], AllLanes);
    return;
  }
  alignas(64) float sums[Rows][Vectors][Lanes];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; r++)
#pragma GCC unroll 3
    for (int v = 0; v < Vectors; v++) store(sums[r][v], sum[r][v], AllLanes);
  if (n - j >= Vectors * Lanes) {
#pragma GCC unroll 1
    for (int r = 0; r < Rows; r++)
#pragma GCC unroll 3
      for (int v = 0; v < Vectors; v++) after(i + r, j + v * Lanes, load(sums[r][v], AllLanes), AllLanes);
  } else {
#pragma GCC unroll 1
    for (int r = 0; r < Rows; r++)
#pragma GCC unroll 1
      for (int v = 0; v < Vectors; v++) after(i + r, j + v * Lanes, load(sums[r][v], AllLanes), lanes_of(n - j - v * Lanes));
  }
}

template <class T, int64_t Width, int Rows, int Vectors, class Left, class After>
void strip(const Left& left, const uint32_t* panel, int64_t depth, int64_t begin, int64_t end, int64_t j, int64_t n,
           const After& after) {
  int64_t i = begin;
  for (; i + Rows <= end; i += Rows) tile<T, Width, Rows, Vectors>(left, panel, depth, i, j, n, after);
  if constexpr (Rows > 1) strip<T, Width, Rows / 2, Vectors>(left, panel, depth, i, end, j, n, after);
}

/* Rows begin .. end of the product with the panel of right whose first column is j. */
template <class T, int64_t Width = PanelColumns, class Left, class After>
void times_panel(const Left& left, const uint32_t* panel, int64_t depth, int64_t begin, int64_t end, int64_t j, int64_t n,
                 const After& after) {
  const int64_t vectors = std::min(Width, round_up(n - j, Lanes)) / Lanes;
  if constexpr (Width == PanelColumns)
    if (vectors == 3) strip<T, Width, TileRows, 3>(left, panel, depth, begin, end, j, n, after);
  if (vectors == 2) strip<T, Width, TileRows, 2>(left, panel, depth, begin, end, j, n, after);
  if (vectors == 1) strip<T, Width, TileRows, 1>(left, panel, depth, begin, end, j, n, after);
}

/* The product of left [m, k] and right [k, n], packed in panels Width wide. `after(i, j, sums, lanes)` receives every row i,
 * Lanes columns from j at a time, and decides what becomes of them; `after.expect(i, j, count)` comes before the sums are
 * begun, so that memory they will meet can be on its way. */
template <class T, int64_t Width = PanelColumns, class Left, class After>
void multiply(const Left& left, const Packed<T>& right, int64_t m, int64_t n, const After& after) {
  constexpr int64_t chunk_rows = 16 * TileRows;
  const int64_t panels = round_up(n, Width) / Width;
  const int64_t chunks = round_up(m, chunk_rows) / chunk_rows;
  const bool by_panel = n > m;  // the larger operand is read once
  share_out(chunks * panels, [&](int64_t task) {
    const int64_t first = (by_panel ? task % chunks : task / panels) * chunk_rows, last = std::min(m, first + chunk_rows);
    const int64_t j = (by_panel ? task / chunks : task % panels) * Width;
    times_panel<T, Width>(left, right.at(0, j), right.depth, first, last, j, n, after);
  });
}

/* Values of a right operand that the second-level cache does not hold. */
constexpr int64_t LargeOperand = 1 << 18;

/* The same with a right operand yet to be packed: pack(to, j, columns) packs columns from j on. A large one is packed panel
 * by panel, each by the thread that then multiplies with it: the panel is still in its cache, and while one thread waits for
 * memory another one computes. */
template <class T, class Left, class Pack, class After>
void pack_and_multiply(const Left& left, int64_t m, int64_t k, int64_t n, const Pack& pack, const After& after) {
  const int64_t panels = round_up(n, PanelColumns) / PanelColumns;
  if (k * n < LargeOperand || panels < 4 * at::get_num_threads()) {
    const Packed<T> right(k, n, PanelColumns);
    pack(right, 0, n);
    return multiply<T>(left, right, m, n, after);
  }
  share_out(panels, [&](int64_t task) {
    const int64_t j = task * PanelColumns, columns = std::min(PanelColumns, n - j);
    const Packed<T> panel(k, columns, PanelColumns);
    pack(panel, j, columns);
    times_panel<T>(left, panel.at(0, 0), panel.depth, 0, m, j, n, after);
  });
}

}  // namespace otomask::OTOMASK_SET

#endif
