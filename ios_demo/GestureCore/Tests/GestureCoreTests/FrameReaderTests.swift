import XCTest

@testable import GestureCore

final class FrameReaderTests: XCTestCase {
    /// Odd and even sizes, one row or column, gaps, offsets, all rotations, mirrored or not.
    func testUprightIsTheSlowReference() throws {
        var frames = RandomFrames(seed: 1)
        for (width, height) in [(1, 1), (1, 6), (7, 1), (5, 4), (8, 6), (9, 7), (16, 3)] {
            for rotation in Rotation.allCases {
                for mirrored in [false, true] {
                    let made = [
                        try frames.bgra(width: width, height: height, rotation: rotation, mirrored: mirrored),
                        try frames.yuv(
                            width: width, height: height, rotation: rotation, mirrored: mirrored, biplanar: true),
                        try frames.yuv(
                            width: width, height: height, rotation: rotation, mirrored: mirrored, biplanar: false),
                    ]
                    for frame in made {
                        XCTAssertEqual(
                            FrameReader.upright(frame).nested, SlowReference.upright(frame),
                            "\(frame.format) \(width) x \(height), \(rotation), mirrored \(mirrored)")
                    }
                }
            }
        }
    }

    /// A mark at the buffer's left end: where a person who looks at the scene sees it.
    func testMirroredBytesAreFlippedBackAndOthersAreNot() throws {
        let row: [UInt8] = [9, 9, 9, 255] + [0, 0, 0, 255]
        XCTAssertEqual(try upright(row, mirrored: false).pixels, [9, 9, 9, 0, 0, 0])
        XCTAssertEqual(try upright(row, mirrored: true).pixels, [0, 0, 0, 9, 9, 9])
    }

    /// After the turn, not before: a mirrored buffer that is turned by 90 degrees still swaps left and right.
    func testTheFlipIsOfTheUprightPicture() throws {
        let column: [UInt8] = [1, 1, 1, 255, 2, 2, 2, 255]
        let storage = OwnedBytes(column)
        let channels = ["B", "G", "R", "A"].enumerated().map {
            (Character($1), Channel(storage: storage, rowStride: 4, pixelStride: 4, offset: $0))
        }
        let frame = try CameraFrame(
            format: .bgra, width: 1, height: 2, channels: Dictionary(uniqueKeysWithValues: channels),
            rotation: .degrees90, mirrored: true)
        // turned clockwise the lower pixel (2) comes to the left; flipped back, to the right
        XCTAssertEqual(FrameReader.upright(frame).pixels, [1, 1, 1, 2, 2, 2])
    }

    func testAFrameThatCannotBeIsRefused() {
        let storage = OwnedBytes([UInt8](repeating: 0, count: 15))
        let channels = Dictionary(
            uniqueKeysWithValues: ["B", "G", "R", "A"].enumerated().map {
                (Character($1), Channel(storage: storage, rowStride: 8, pixelStride: 4, offset: $0))
            })
        XCTAssertThrowsError(try CameraFrame(format: .bgra, width: 2, height: 2, channels: channels)) {
            XCTAssertTrue("\($0)".contains("a buffer of 15 bytes; its last sample is byte 15"), "\($0)")
        }
        XCTAssertThrowsError(try CameraFrame(format: .yuv420, width: 1, height: 1, channels: channels))
        XCTAssertThrowsError(try CameraFrame(format: .bgra, width: 0, height: 1, channels: channels))
        XCTAssertNoThrow(try CameraFrame(format: .bgra, width: 1, height: 1, channels: channels))
    }

    private func upright(_ row: [UInt8], mirrored: Bool) throws -> Picture {
        let storage = OwnedBytes(row)
        let channels = ["B", "G", "R", "A"].enumerated().map {
            (Character($1), Channel(storage: storage, rowStride: row.count, pixelStride: 4, offset: $0))
        }
        return FrameReader.upright(
            try CameraFrame(
                format: .bgra, width: 2, height: 1, channels: Dictionary(uniqueKeysWithValues: channels),
                mirrored: mirrored))
    }
}
