/// From a frame's bytes to pixels of the upright picture that the network learned from; only those that are asked for.
public enum FrameReader {
    /// The whole upright picture.
    public static func upright(_ frame: CameraFrame) -> Picture {
        var picture = Picture(height: frame.uprightHeight, width: frame.uprightWidth)
        read(frame, top: 0, left: 0, into: &picture)
        return picture
    }

    /// A square of the upright picture into a picture of its size.
    static func read(_ frame: CameraFrame, top: Int, left: Int, into picture: inout Picture) {
        let walk = Walk(frame)
        switch frame.format {
        case .bgra: readBGRA(frame, walk, top: top, left: left, into: &picture)
        case .yuv420: readYUV(frame, walk, top: top, left: left, into: &picture)
        }
    }

    private static func readBGRA(
        _ frame: CameraFrame, _ walk: Walk, top: Int, left: Int, into picture: inout Picture
    ) {
        let (red, green, blue) = (Samples(frame, "R"), Samples(frame, "G"), Samples(frame, "B"))
        picture.fill(top: top, left: left, walk) { row, column, target in
            target[0] = red[row, column]
            target[1] = green[row, column]
            target[2] = blue[row, column]
        }
    }

    private static func readYUV(
        _ frame: CameraFrame, _ walk: Walk, top: Int, left: Int, into picture: inout Picture
    ) {
        let (luma, chromaU, chromaV) = (Samples(frame, "Y"), Samples(frame, "U"), Samples(frame, "V"))
        picture.fill(top: top, left: left, walk) { row, column, target in
            let colour = YUV.rgb(luma[row, column], chromaU[row >> 1, column >> 1], chromaV[row >> 1, column >> 1])
            target[0] = colour.red
            target[1] = colour.green
            target[2] = colour.blue
        }
    }
}

/// The samples of a channel; the frame has checked that they are all there.
private struct Samples {
    private let base: UnsafePointer<UInt8>
    private let rowStride: Int
    private let pixelStride: Int

    init(_ frame: CameraFrame, _ name: Character) {
        guard let channel = frame.channels[name], let start = channel.storage.bytes.baseAddress else {
            preconditionFailure("a frame without channel \(name)")
        }
        base = start.assumingMemoryBound(to: UInt8.self) + channel.offset
        rowStride = channel.rowStride
        pixelStride = channel.pixelStride
    }

    subscript(row: Int, column: Int) -> UInt8 { base[row * rowStride + column * pixelStride] }
}

/// Where in the buffer an upright pixel lies: both of its coordinates are affine in row and column.
private struct Walk {
    /// Of upright (0, 0).
    let start: (row: Int, column: Int)
    let perRow: (row: Int, column: Int)
    let perColumn: (row: Int, column: Int)

    init(_ frame: CameraFrame) {
        let (lastRow, lastColumn) = (frame.height - 1, frame.width - 1)
        let turned: Walk
        switch frame.rotation {
        case .degrees0: turned = Walk((0, 0), (1, 0), (0, 1))
        case .degrees90: turned = Walk((lastRow, 0), (0, 1), (-1, 0))
        case .degrees180: turned = Walk((lastRow, lastColumn), (-1, 0), (0, -1))
        case .degrees270: turned = Walk((0, lastColumn), (0, -1), (1, 0))
        }
        self = frame.mirrored ? turned.flipped(width: frame.uprightWidth) : turned
    }

    private init(_ start: (Int, Int), _ perRow: (Int, Int), _ perColumn: (Int, Int)) {
        self.start = start
        self.perRow = perRow
        self.perColumn = perColumn
    }

    /// Column c becomes width - 1 - c.
    private func flipped(width: Int) -> Walk {
        let last = width - 1
        return Walk(
            (start.row + last * perColumn.row, start.column + last * perColumn.column), perRow,
            (-perColumn.row, -perColumn.column))
    }
}

extension Picture {
    /// Calls `pixel` with the buffer's row and column, and the three bytes to fill, for every pixel.
    @inline(__always)
    fileprivate mutating func fill(
        top: Int, left: Int, _ walk: Walk, pixel: (Int, Int, UnsafeMutablePointer<UInt8>) -> Void
    ) {
        let (height, width) = (height, width)
        pixels.withUnsafeMutableBufferPointer { buffer in
            guard var target = buffer.baseAddress else { return }
            for row in top..<top + height {
                var bufferRow = walk.start.row + row * walk.perRow.row + left * walk.perColumn.row
                var bufferColumn = walk.start.column + row * walk.perRow.column + left * walk.perColumn.column
                for _ in 0..<width {
                    pixel(bufferRow, bufferColumn, target)
                    target += 3
                    bufferRow += walk.perColumn.row
                    bufferColumn += walk.perColumn.column
                }
            }
        }
    }
}
