// Convolutions as lists of taps, for CPUs with AVX-512: each output pixel sums 16-channel products that may lie in
// other rows, columns or frames. A type of STH-Conv (Eq. 2) is one list: K*K spatial taps over the channels that it
// sees in space, KT temporal taps over the others, and no product is computed that Eq. 2 does not hold.
//
// Axes: t frame, h row, w column, c input channel, o output channel. A clip is first copied into blocks
// [t][c / 16][h + margins][w + margins][16], zeros around, so that every tap is one offset.
// A panel is 16 or 32 outputs with one list; the weights of a tap lie as [16 c][o of its halves].

#include <cstdint>
#include <cstring>
#include <utility>

#ifndef __AVX512F__
#error "AVX-512 is needed"
#endif
#include <immintrin.h>

namespace {

constexpr int LANES = 16;
constexpr int MAX_COLUMNS = 14;

struct Tap {
    int64_t frame;    // relative to the output's frame
    int64_t offset;   // floats from the output's pixel in the blocked clip, frame included
    int64_t temporal; // the weights come from the temporal (1) or the spatial (0) tensor,
    int64_t c, o, k;  // from these channels on, at this tap of the kernel
    int64_t halves;   // of a panel of 32 outputs: 1 the first 16, 2 the last, 3 both
    int64_t packed;   // floats from the start of the packed weights
};

struct Geometry {
    int64_t frames, channels, height, width;               // of an input clip
    int64_t top, left, blocked_height, blocked_width;      // of the blocked copy
    int64_t out_channels, out_height, out_width;           // of the tensor that is written
    int64_t rows, columns;                                 // computed pixels of a frame
    int64_t stride;                                        // input pixels between two computed pixels
    int64_t step, first_row, first_column;                 // where computed pixels stand in the written tensor
    int64_t panels, panel_width;
};

int64_t block_size(const Geometry &g) { return g.blocked_height * g.blocked_width * LANES; }
int64_t frame_size(const Geometry &g) { return block_size(g) * (g.channels / LANES); }

// One frame of channels-last memory into blocks with zero margins, few blocks at a time: each is a stream of writes.
void block_frame(const Geometry &g, const float *x, float *blocked) {
    constexpr int64_t FEW = 4 * LANES;
    const int64_t line = g.blocked_width * LANES, size = block_size(g), end = g.top + g.height;
    for (int64_t c = 0; c < g.channels; c += LANES) {
        float *block = blocked + c / LANES * size;
        std::memset(block, 0, g.top * line * sizeof(float));
        std::memset(block + end * line, 0, (g.blocked_height - end) * line * sizeof(float));
        for (int64_t h = g.top; h < end; h++) {
            std::memset(block + h * line, 0, g.left * LANES * sizeof(float));
            std::memset(block + h * line + (g.left + g.width) * LANES, 0,
                        (g.blocked_width - g.left - g.width) * LANES * sizeof(float));
        }
    }
    for (int64_t first = 0; first < g.channels; first += FEW) {
        const int64_t channels = g.channels - first < FEW ? g.channels - first : FEW;
        for (int64_t h = 0; h < g.height; h++) {
            const float *source = x + h * g.width * g.channels + first;
            float *row = blocked + first / LANES * size + (g.top + h) * line + g.left * LANES;
            for (int64_t w = 0; w < g.width; w++, source += g.channels, row += LANES)
                for (int64_t c = 0; c < channels; c += LANES)
                    _mm512_storeu_ps(row + c / LANES * size, _mm512_loadu_ps(source + c));
        }
    }
}

void block_clip(const Geometry &g, const float *x, float *blocked, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int64_t t = 0; t < g.frames; t++)
        block_frame(g, x + t * g.height * g.width * g.channels, blocked + t * frame_size(g));
}

template <int VECTORS, int ROWS, int COLUMNS> using Sums = __m512[ROWS][COLUMNS][VECTORS];

// Add 16 channels of one tap to the vectors [FIRST, LAST) of each pixel.
template <int VECTORS, int ROWS, int COLUMNS, int STRIDE, int FIRST, int LAST>
inline __attribute__((always_inline)) void add_tap(Sums<VECTORS, ROWS, COLUMNS> &sums, const float *pixel,
                                                   int64_t a_row, const float *w) {
#pragma GCC unroll 4
    for (int c = 0; c < LANES; c++, pixel++, w += LANES * (LAST - FIRST)) {
        __m512 b[VECTORS];
#pragma GCC unroll 2
        for (int v = FIRST; v < LAST; v++) b[v] = _mm512_loadu_ps(w + (v - FIRST) * LANES);
#pragma GCC unroll 28
        for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 28
            for (int p = 0; p < COLUMNS; p++) {
                const __m512 value = _mm512_set1_ps(pixel[r * a_row + p * STRIDE * LANES]);
#pragma GCC unroll 2
                for (int v = FIRST; v < LAST; v++) sums[r][p][v] = _mm512_fmadd_ps(value, b[v], sums[r][p][v]);
            }
    }
}

// ROWS x COLUMNS output pixels of one panel of VECTORS * 16 outputs, summed in registers over all taps.
template <int VECTORS, int ROWS, int COLUMNS, int STRIDE>
void tile(const float *a, int64_t a_row, const Tap *taps, int64_t count, const float *packed, int64_t frame,
          int64_t frames, float *y, int64_t y_row, int64_t y_column) {
    Sums<VECTORS, ROWS, COLUMNS> sums;
#pragma GCC unroll 28
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 28
        for (int p = 0; p < COLUMNS; p++)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++) sums[r][p][v] = _mm512_setzero_ps();
    for (; count--; taps++) {
        if (static_cast<uint64_t>(frame + taps->frame) >= static_cast<uint64_t>(frames)) continue;
        const float *pixel = a + taps->offset, *w = packed + taps->packed;
        if constexpr (VECTORS == 1) {
            add_tap<VECTORS, ROWS, COLUMNS, STRIDE, 0, 1>(sums, pixel, a_row, w);
        } else {
            if (taps->halves == 3) add_tap<VECTORS, ROWS, COLUMNS, STRIDE, 0, 2>(sums, pixel, a_row, w);
            else if (taps->halves == 1) add_tap<VECTORS, ROWS, COLUMNS, STRIDE, 0, 1>(sums, pixel, a_row, w);
            else add_tap<VECTORS, ROWS, COLUMNS, STRIDE, 1, 2>(sums, pixel, a_row, w);
        }
    }
#pragma GCC unroll 28
    for (int r = 0; r < ROWS; r++)
#pragma GCC unroll 28
        for (int p = 0; p < COLUMNS; p++)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; v++)
                _mm512_storeu_ps(y + r * y_row + p * y_column + v * LANES, sums[r][p][v]);
}

using Tile = void (*)(const float *, int64_t, const Tap *, int64_t, const float *, int64_t, int64_t, float *, int64_t,
                      int64_t);

constexpr int sums_of(int vectors) { return vectors == 2 ? 14 : 28; }

template <int VECTORS, int ROWS, int COLUMNS, int STRIDE> constexpr Tile tile_if_it_fits() {
    if constexpr (ROWS * COLUMNS <= sums_of(VECTORS)) return tile<VECTORS, ROWS, COLUMNS, STRIDE>;
    return nullptr;
}

template <int VECTORS, int ROWS, int STRIDE, int... P> Tile find_tile(int columns, std::integer_sequence<int, P...>) {
    static constexpr Tile tiles[] = {tile_if_it_fits<VECTORS, ROWS, P + 1, STRIDE>()...};
    return tiles[columns - 1];
}

template <int VECTORS, int STRIDE> Tile find_tile(int rows, int columns) {
    constexpr auto all = std::make_integer_sequence<int, MAX_COLUMNS>{};
    if (rows == 1) return find_tile<VECTORS, 1, STRIDE>(columns, all);
    if (rows == 2) return find_tile<VECTORS, 2, STRIDE>(columns, all);
    return find_tile<VECTORS, 4, STRIDE>(columns, all);
}

Tile find_tile(int64_t width, int rows, int columns, int64_t stride) {
    if (width == 2 * LANES) return stride == 1 ? find_tile<2, 1>(rows, columns) : find_tile<2, 2>(rows, columns);
    return stride == 1 ? find_tile<1, 1>(rows, columns) : find_tile<1, 2>(rows, columns);
}

struct Panel {
    const Tap *taps;
    int64_t count;
    const float *packed;
    int64_t output;
};

// Rows [begin, end) of one frame for one panel.
void panel_rows(const Geometry &g, const Panel &panel, const float *blocked, float *y, int64_t t, int64_t begin,
                int64_t end) {
    const int64_t tiles = (g.columns + MAX_COLUMNS - 1) / MAX_COLUMNS, columns = (g.columns + tiles - 1) / tiles;
    const int most = sums_of(static_cast<int>(g.panel_width / LANES));
    int64_t rows = 4;
    while (rows > 1 && rows * columns > most) rows /= 2;
    const int64_t a_row = g.stride * g.blocked_width * LANES, a_column = g.stride * LANES;
    const int64_t y_row = g.step * g.out_width * g.out_channels, y_column = g.step * g.out_channels;
    float *out = y + ((t * g.out_height + g.first_row) * g.out_width + g.first_column) * g.out_channels + panel.output;
    for (int64_t h = begin; h < end; h += rows) {
        while (rows > 1 && h + rows > end) rows /= 2;
        for (int64_t w = 0; w < g.columns; w += columns) {
            const int64_t here = g.columns - w < columns ? g.columns - w : columns;
            find_tile(g.panel_width, static_cast<int>(rows), static_cast<int>(here), g.stride)(
                blocked + t * frame_size(g) + h * a_row + w * a_column, a_row, panel.taps, panel.count, panel.packed, t,
                g.frames, out + h * y_row + w * y_column, y_row, y_column);
        }
    }
}

// 16 channels x 16 outputs of a weight gradient, summed over rows x columns pixels.
template <int STRIDE>
void gradient_tile(const float *a, int64_t a_row, const float *gradient, int64_t g_row, int64_t rows, int64_t columns,
                   float *sums_at) {
    __m512 sums[LANES];
#pragma GCC unroll 16
    for (int c = 0; c < LANES; c++) sums[c] = _mm512_loadu_ps(sums_at + c * LANES);
    for (int64_t h = 0; h < rows; h++)
#pragma GCC unroll 2
        for (int64_t w = 0; w < columns; w++) {
            const __m512 b = _mm512_loadu_ps(gradient + h * g_row + w * LANES);
            const float *pixel = a + h * a_row + w * STRIDE * LANES;
#pragma GCC unroll 16
            for (int c = 0; c < LANES; c++) sums[c] = _mm512_fmadd_ps(_mm512_set1_ps(pixel[c]), b, sums[c]);
        }
#pragma GCC unroll 16
    for (int c = 0; c < LANES; c++) _mm512_storeu_ps(sums_at + c * LANES, sums[c]);
}

// to[c * to_row + o] = from[o * from_row + c] for 16 x 16 floats.
void transpose(const float *from, int64_t from_row, float *to, int64_t to_row) {
    __m512 a[LANES], b[LANES];
    for (int i = 0; i < LANES; i++) a[i] = _mm512_loadu_ps(from + i * from_row);
    for (int i = 0; i < LANES; i += 2) {
        b[i] = _mm512_unpacklo_ps(a[i], a[i + 1]);
        b[i + 1] = _mm512_unpackhi_ps(a[i], a[i + 1]);
    }
    for (int i = 0; i < LANES; i += 4)
        for (int j = 0; j < 2; j++) {
            const __m512d low = _mm512_castps_pd(b[i + j]), high = _mm512_castps_pd(b[i + j + 2]);
            a[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
            a[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
        }
    // a[4 i + j] holds, in each quarter q of its lanes, column 4 q + j of rows 4 i to 4 i + 3
    for (int j = 0; j < 4; j++) {
        const __m512 low = _mm512_shuffle_f32x4(a[j], a[4 + j], 0x88), high = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0x88);
        const __m512 low_odd = _mm512_shuffle_f32x4(a[j], a[4 + j], 0xdd);
        const __m512 high_odd = _mm512_shuffle_f32x4(a[8 + j], a[12 + j], 0xdd);
        _mm512_storeu_ps(to + j * to_row, _mm512_shuffle_f32x4(low, high, 0x88));
        _mm512_storeu_ps(to + (4 + j) * to_row, _mm512_shuffle_f32x4(low_odd, high_odd, 0x88));
        _mm512_storeu_ps(to + (8 + j) * to_row, _mm512_shuffle_f32x4(low, high, 0xdd));
        _mm512_storeu_ps(to + (12 + j) * to_row, _mm512_shuffle_f32x4(low_odd, high_odd, 0xdd));
    }
}

// The same for 32 outputs, whose gradients lie `next` floats apart: half the channels at a time, each loaded once.
template <int STRIDE>
void wide_gradient_tile(const float *a, int64_t a_row, const float *gradient, int64_t g_row, int64_t next, int64_t rows,
                        int64_t columns, float *sums_at) {
    constexpr int HALF = LANES / 2;
    for (int first = 0; first < LANES; first += HALF, sums_at += HALF * 2 * LANES) {
        __m512 sums[HALF][2];
#pragma GCC unroll 8
        for (int c = 0; c < HALF; c++)
            for (int v = 0; v < 2; v++) sums[c][v] = _mm512_loadu_ps(sums_at + (2 * c + v) * LANES);
        for (int64_t h = 0; h < rows; h++)
#pragma GCC unroll 2
            for (int64_t w = 0; w < columns; w++) {
                const float *from = gradient + h * g_row + w * LANES;
                const __m512 b0 = _mm512_loadu_ps(from), b1 = _mm512_loadu_ps(from + next);
                const float *pixel = a + h * a_row + w * STRIDE * LANES + first;
#pragma GCC unroll 8
                for (int c = 0; c < HALF; c++) {
                    const __m512 value = _mm512_set1_ps(pixel[c]);
                    sums[c][0] = _mm512_fmadd_ps(value, b0, sums[c][0]);
                    sums[c][1] = _mm512_fmadd_ps(value, b1, sums[c][1]);
                }
            }
#pragma GCC unroll 8
        for (int c = 0; c < HALF; c++)
            for (int v = 0; v < 2; v++) _mm512_storeu_ps(sums_at + (2 * c + v) * LANES, sums[c][v]);
    }
}

int64_t at_least_one(int64_t value) { return value < 1 ? 1 : value; }

} // namespace

extern "C" {

void block(const Geometry *geometry, const float *x, float *blocked, int threads) {
    block_clip(*geometry, x, blocked, threads);
}

// Weights of `count` taps from the two tensors, or back into them. Strides are of floats: c and o of the channels that
// are read and written here, k of the kernel's taps.
void pack(const Tap *taps, int64_t count, int64_t panel_width, float *spatial, const int64_t *spatial_strides,
          float *temporal, const int64_t *temporal_strides, float *packed, int back, int threads) {
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < count; i++) {
        const Tap &tap = taps[i];
        const int64_t *by = tap.temporal ? temporal_strides : spatial_strides;
        const int64_t width = tap.halves == 3 ? panel_width : LANES;
        float *tensor = (tap.temporal ? temporal : spatial) + tap.c * by[0] + tap.o * by[1] + tap.k * by[2];
        float *to = packed + tap.packed;
        for (int64_t o = 0; o < width; o += LANES, tensor += LANES * by[1], to += LANES) {
            if (by[0] == 1 && back) transpose(to, width, tensor, by[1]);
            else if (by[0] == 1) transpose(tensor, by[1], to, width);
            else
                for (int64_t i = 0; i < LANES; i++)
                    for (int64_t c = 0; c < LANES; c++) {
                        float &one = tensor[c * by[0] + i * by[1]], &other = to[c * width + i];
                        if (back) one = other;
                        else other = one;
                    }
        }
    }
}

// One clip's y = the sum over each panel's taps. `outputs` holds the first channel of each panel in y.
void convolve(const Geometry *geometry, const Tap *taps, const int64_t *starts, const int64_t *outputs,
              const float *packed, const float *blocked, float *y, int threads) {
    const Geometry &g = *geometry;
    const int64_t all = starts[g.panels] * LANES * g.panel_width * sizeof(float);
    // All panels pass over a few rows of a frame where the weights stay in L2, over a frame where they stream in
    // order from L3; larger ones (stage 4 of ResNet-50) are read once, and the clip once for each panel.
    const bool weights_stay = all <= 768 * 1024, rows_outside = all <= 3 << 20;
    const int64_t row_bytes = g.blocked_width * g.channels * g.stride * sizeof(float);
    int64_t rows = weights_stay ? at_least_one(128 * 1024 / row_bytes) / 4 * 4 : g.rows;
    rows = rows < 4 ? 4 : rows;
    const int64_t groups = (g.rows + rows - 1) / rows, pieces = g.frames * groups;
    const int64_t outer = rows_outside ? pieces : g.panels, inner = rows_outside ? g.panels : pieces;
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (int64_t i = 0; i < outer * inner; i++) {
        const int64_t p = rows_outside ? i % inner : i / inner, piece = rows_outside ? i / inner : i % inner;
        const int64_t begin = piece % groups * rows, end = begin + rows < g.rows ? begin + rows : g.rows;
        const Panel panel{taps + starts[p], starts[p + 1] - starts[p], packed, outputs[p]};
        panel_rows(g, panel, blocked, y, piece / groups, begin, end);
    }
}

// Adds one clip's gradient of the packed weights, given that of y, blocked with the geometry `of_gradient`.
void weight_gradient(const Geometry *geometry, const Geometry *of_gradient, const Tap *taps, const int64_t *starts,
                     const int64_t *outputs, const float *blocked, const float *blocked_gradient, float *packed,
                     int threads) {
    const Geometry &g = *geometry, &d = *of_gradient;
    const int64_t halves = g.panel_width / LANES, pixels = g.rows * g.columns, chunk = 512;
    const int64_t rows = pixels > chunk ? at_least_one(chunk / g.columns) : g.rows;
    const int64_t frames = pixels > chunk ? 1 : at_least_one(chunk / pixels);
    const int64_t a_row = g.stride * g.blocked_width * LANES, d_row = d.blocked_width * LANES, next = block_size(d);
    const auto narrow = g.stride == 1 ? gradient_tile<1> : gradient_tile<2>;
    const auto wide = g.stride == 1 ? wide_gradient_tile<1> : wide_gradient_tile<2>;
    for (int64_t t0 = 0; t0 < g.frames; t0 += frames)
        for (int64_t h0 = 0; h0 < g.rows; h0 += rows) {
            const int64_t t1 = t0 + frames < g.frames ? t0 + frames : g.frames;
            const int64_t here = h0 + rows < g.rows ? rows : g.rows - h0;
#pragma omp parallel for num_threads(threads) if (threads > 1)
            for (int64_t p = 0; p < g.panels; p++)
                for (int64_t i = starts[p]; i < starts[p + 1]; i++) {
                    const Tap &tap = taps[i];
                    const float *from = blocked_gradient + (outputs[p] / LANES + (tap.halves == 2)) * next +
                                        (d.top + h0) * d_row + d.left * LANES;
                    for (int64_t t = t0; t < t1; t++) {
                        if (t + tap.frame < 0 || t + tap.frame >= g.frames) continue;
                        const float *a = blocked + t * frame_size(g) + h0 * a_row + tap.offset;
                        const float *gradient = from + t * frame_size(d);
                        if (tap.halves == 3 && halves == 2)
                            wide(a, a_row, gradient, d_row, next, here, g.columns, packed + tap.packed);
                        else narrow(a, a_row, gradient, d_row, here, g.columns, packed + tap.packed);
                    }
                }
        }
}
}
