/// Enlarging: bilinear between the centres of pixels, with weights of 1/2048 and the reference's shifts.
struct BilinearTaps {
    private static let one = 2048

    private let side: Int
    private let size: Int
    private let first: [Int]
    private let second: [Int]
    /// Of the second pixel.
    private let weights: [Int]

    init(side: Int, size: Int) {
        self.side = side
        self.size = size
        var first: [Int] = []
        var second: [Int] = []
        var weights: [Int] = []
        for output in 0..<size {
            let place = (2 * output + 1) * side - size
            let before = place >= 0 ? place / (2 * size) : -1  // never below -1, since place >= -size
            let rest = place - before * 2 * size
            first.append(min(max(before, 0), side - 1))
            second.append(min(max(before + 1, 0), side - 1))
            weights.append((Self.one * rest + size) / (2 * size))
        }
        self.first = first
        self.second = second
        self.weights = weights
    }

    func apply(to square: Picture) -> Picture {
        let rows = (0..<side).map { interpolatedRow(square.pixels, $0) }
        var result = Picture(height: size, width: size)
        for row in 0..<size {
            let (above, below, weight) = (rows[first[row]], rows[second[row]], weights[row])
            for index in 0..<3 * size {
                let upper = ((Self.one - weight) * (above[index] >> 4)) >> 16
                let lower = (weight * (below[index] >> 4)) >> 16
                result.pixels[row * 3 * size + index] = UInt8((upper + lower + 2) >> 2)
            }
        }
        return result
    }

    private func interpolatedRow(_ pixels: [UInt8], _ row: Int) -> [Int] {
        var values = [Int](repeating: 0, count: 3 * size)
        for column in 0..<size {
            let (left, right) = (3 * (row * side + first[column]), 3 * (row * side + second[column]))
            for colour in 0..<3 {
                values[3 * column + colour] =
                    Int(pixels[left + colour]) * (Self.one - weights[column])
                    + Int(pixels[right + colour]) * weights[column]
            }
        }
        return values
    }
}
