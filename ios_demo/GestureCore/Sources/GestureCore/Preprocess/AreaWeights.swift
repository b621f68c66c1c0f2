/// Shrinking: the mean over the area of the output pixel. A source pixel is `size` units long, an output pixel `side`.
struct AreaWeights {
    private let side: Int
    private let size: Int
    /// For each output pixel the first source pixel and how many units of it and its followers belong to it.
    private let first: [Int]
    private let weights: [[Int]]

    init(side: Int, size: Int) {
        self.side = side
        self.size = size
        var first: [Int] = []
        var weights: [[Int]] = []
        for output in 0..<size {
            let (begin, end) = (output * side, (output + 1) * side)
            let sources = begin / size..<(end + size - 1) / size
            first.append(sources.lowerBound)
            weights.append(sources.map { min(end, ($0 + 1) * size) - max(begin, $0 * size) })
        }
        self.first = first
        self.weights = weights
    }

    func apply(to square: Picture) -> Picture {
        var result = Picture(height: size, width: size)
        var sums = [Int](repeating: 0, count: 3 * size)
        let area = side * side
        square.pixels.withUnsafeBufferPointer { source in
            for row in 0..<size {
                for index in sums.indices { sums[index] = 0 }
                for (offset, weight) in weights[row].enumerated() {
                    addRow(source, first[row] + offset, weight, to: &sums)
                }
                for index in sums.indices {
                    result.pixels[row * 3 * size + index] = UInt8((2 * sums[index] + area) / (2 * area))
                }
            }
        }
        return result
    }

    private func addRow(_ source: UnsafeBufferPointer<UInt8>, _ row: Int, _ rowWeight: Int, to sums: inout [Int]) {
        let base = row * side * 3
        for column in 0..<size {
            var (red, green, blue) = (0, 0, 0)
            var index = base + 3 * first[column]
            for weight in weights[column] {
                red += weight * Int(source[index])
                green += weight * Int(source[index + 1])
                blue += weight * Int(source[index + 2])
                index += 3
            }
            sums[3 * column] += rowWeight * red
            sums[3 * column + 1] += rowWeight * green
            sums[3 * column + 2] += rowWeight * blue
        }
    }
}
