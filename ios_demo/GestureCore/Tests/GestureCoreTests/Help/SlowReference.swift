@testable import GestureCore

/// The rules of `camera_frames.py` and `resize_rule.py` in `mobile/interface` written down pixel by pixel, for small
/// pictures.
enum SlowReference {
    typealias Pixels = [[[Int]]]

    /// The upright picture as [row][column][colour].
    static func upright(_ frame: CameraFrame) -> Pixels {
        var picture = (0..<frame.height).map { row in (0..<frame.width).map { colour(frame, row, $0) } }
        for _ in 0..<frame.rotation.rawValue / 90 {
            picture = turnedClockwise(picture)
        }
        return frame.mirrored ? picture.map { $0.reversed() } : picture
    }

    private static func turnedClockwise(_ picture: Pixels) -> Pixels {
        picture[0].indices.map { column in picture.indices.reversed().map { picture[$0][column] } }
    }

    private static func colour(_ frame: CameraFrame, _ row: Int, _ column: Int) -> [Int] {
        func sample(_ name: Character, _ row: Int, _ column: Int) -> Int {
            guard let channel = frame.channels[name] else { return -1 }
            return Int(channel.storage.bytes[channel.offset + row * channel.rowStride + column * channel.pixelStride])
        }
        if frame.format == .bgra { return ["R", "G", "B"].map { sample($0, row, column) } }
        let (y, u, v) = (
            sample("Y", row, column), sample("U", row / 2, column / 2) - 128, sample("V", row / 2, column / 2) - 128
        )
        let raw = [
            y + floorDivide(91881 * v + 32768, 65536), y + floorDivide(-22554 * u - 46802 * v + 32768, 65536),
            y + floorDivide(116130 * u + 32768, 65536),
        ]
        return raw.map { min(max($0, 0), 255) }
    }

    static func resized(_ square: Pixels, _ size: Int) -> Pixels {
        if square.count == size { return square }
        return square.count > size ? shrunk(square, size) : enlarged(square, size)
    }

    /// Every source pixel is cut into size x size parts; the mean of those in an output pixel, halves up.
    private static func shrunk(_ square: Pixels, _ size: Int) -> Pixels {
        let side = square.count
        return (0..<size).map { row in
            (0..<size).map { column in
                (0..<3).map { colour in
                    var sum = 0
                    for unitRow in row * side..<(row + 1) * side {
                        for unitColumn in column * side..<(column + 1) * side {
                            sum += square[unitRow / size][unitColumn / size][colour]
                        }
                    }
                    return (2 * sum + side * side) / (2 * side * side)
                }
            }
        }
    }

    private static func enlarged(_ square: Pixels, _ size: Int) -> Pixels {
        let side = square.count
        func tap(_ output: Int) -> (Int, Int, Int) {
            let place = (2 * output + 1) * side - size
            let before = floorDivide(place, 2 * size)
            let weight = (2048 * (place - before * 2 * size) + size) / (2 * size)
            return (min(max(before, 0), side - 1), min(max(before + 1, 0), side - 1), weight)
        }
        func across(_ row: Int, _ column: Int, _ colour: Int) -> Int {
            let (first, second, weight) = tap(column)
            return square[row][first][colour] * (2048 - weight) + square[row][second][colour] * weight
        }
        return (0..<size).map { row in
            let (above, below, weight) = tap(row)
            return (0..<size).map { column in
                (0..<3).map { colour in
                    let upper = ((2048 - weight) * (across(above, column, colour) >> 4)) >> 16
                    return (upper + ((weight * (across(below, column, colour) >> 4)) >> 16) + 2) >> 2
                }
            }
        }
    }

    static func floorDivide(_ value: Int, _ by: Int) -> Int {
        value >= 0 ? value / by : -((by - 1 - value) / by)
    }
}

extension Picture {
    var nested: SlowReference.Pixels {
        (0..<height).map { row in
            (0..<width).map { column in (0..<3).map { Int(pixels[3 * (row * width + column) + $0]) } }
        }
    }
}
