/* AVX2 and FMA: eight float32 at a time. Of bfloat16 only loads and stores, since it has no product instruction here. */
#ifndef OTOMASK_LANES_AVX2_H
#define OTOMASK_LANES_AVX2_H

#include <c10/util/BFloat16.h>
#include <immintrin.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#define OTOMASK_SET avx2
#define OTOMASK_SET_HAS_FLOAT

namespace otomask::avx2 {

using Floats = __m256;
using Words = __m256i;  // of four bytes each

constexpr int64_t Lanes = 8;

/* How many lanes count, from the first on. */
struct Mask {
  int count;
  bool operator==(Mask other) const { return count == other.count; }
  __m256i bits() const {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};

constexpr Mask AllLanes{Lanes};

/* A tile of a product: 12 of the 16 registers hold its sums. */
constexpr int64_t TileRows = 4;

/* The lanes that count where `columns` are left. */
inline Mask lanes_of(int64_t columns) { return {static_cast<int>(std::clamp<int64_t>(columns, 0, Lanes))}; }

inline Floats all(float value) { return _mm256_set1_ps(value); }

/* Loads and stores of the lanes that count, others are zero. Most often all do, and plain moves are quicker than masked ones. */

inline Floats load(const float* from, Mask lanes) {
  return lanes == AllLanes ? _mm256_loadu_ps(from) : _mm256_maskload_ps(from, lanes.bits());
}

inline void store(float* to, Floats values, Mask lanes) {
  if (lanes == AllLanes) {
    _mm256_storeu_ps(to, values);
  } else {
    _mm256_maskstore_ps(to, lanes.bits(), values);
  }
}

inline Words words_of(Floats values) { return _mm256_castps_si256(values); }
inline Words load_words(const uint32_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
inline void store_words(uint32_t* to, Words words) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), words); }
inline Words all_words(uint32_t word) { return _mm256_set1_epi32(static_cast<int>(word)); }

/* The lanes that count, others zero. */
inline Floats keep(Floats values, Mask lanes) {
  return lanes == AllLanes ? values : _mm256_and_ps(values, _mm256_castsi256_ps(lanes.bits()));
}

inline Floats multiply_add(Floats a, Floats b, Floats sum) { return _mm256_fmadd_ps(a, b, sum); }
inline Floats multiply_subtract(Floats a, Floats b, Floats from) { return _mm256_fnmadd_ps(a, b, from); }
inline Floats magnitude(Floats x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.f), x); }
inline Floats nearest_whole(Floats x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline Floats by_sign(Floats x, Floats negative, Floats positive) { return _mm256_blendv_ps(positive, negative, x); }

/* x 2^whole. The exponents of float32 end in zero, below -126, and infinity, above 127. */
inline Floats times_power(Floats x, Floats whole) {
  const Floats exponent = _mm256_min_ps(_mm256_max_ps(whole, _mm256_set1_ps(-127)), _mm256_set1_ps(128));
  const Words biased = _mm256_add_epi32(_mm256_cvtps_epi32(exponent), _mm256_set1_epi32(127));
  return x * _mm256_castsi256_ps(_mm256_slli_epi32(biased, 23));
}

/* The larger of both in the lanes that count, else a. */
inline Floats larger(Floats a, Floats b, Mask lanes) {
  const Floats both = _mm256_max_ps(a, b);
  return lanes == AllLanes ? both : _mm256_blendv_ps(a, both, _mm256_castsi256_ps(lanes.bits()));
}

inline float sum_of(Floats x) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

inline float largest_of(Floats x) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

/* 1 / x. The processor's estimate has 12 bits, too few for one Newton step. */
template <class T>
inline Floats inverse(Floats x) { return _mm256_div_ps(_mm256_set1_ps(1), x); }

inline void transpose(Words (&rows)[Lanes]) {
  Words a[Lanes];
  for (int i = 0; i < 8; i += 2) {
    a[i] = _mm256_unpacklo_epi32(rows[i], rows[i + 1]);
    a[i + 1] = _mm256_unpackhi_epi32(rows[i], rows[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    rows[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
    rows[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
    rows[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
    rows[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
  }
  std::copy_n(rows, Lanes, a);
  for (int i = 0; i < 4; i++) {
    rows[i] = _mm256_permute2x128_si256(a[i], a[i + 4], 0x20);
    rows[i + 4] = _mm256_permute2x128_si256(a[i], a[i + 4], 0x31);
  }
}

/* The values as T keeps them. */
template <class T>
inline Floats rounded(Floats values) {
  return values;
}

/* What a product adds up: a word is one float32. */
template <class T>
Floats multiply_add_words(Words a, Words b, Floats sum);

template <>
inline Floats multiply_add_words<float>(Words a, Words b, Floats sum) {
  return _mm256_fmadd_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), sum);
}

/* bfloat16: the upper half of a float32. */

inline Floats load(const c10::BFloat16* from, Mask lanes) {
  __m128i halves = _mm_setzero_si128();
  std::memcpy(&halves, from, lanes.count * sizeof *from);
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(halves), 16));
}

/* Stores the lower half of each word. */
inline void store_low_halves(c10::BFloat16* to, Words words, Mask lanes) {
  const __m128i halves = _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_packus_epi32(words, words), 0b1000));
  std::memcpy(static_cast<void*>(to), &halves, lanes.count * sizeof *to);
}

}  // namespace otomask::avx2

#endif
