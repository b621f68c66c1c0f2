import XCTest

@testable import GestureCore
@testable import GestureTestSupport

final class RotationTests: XCTestCase {
    func testAnglesOfCamerasAndVideos() {
        XCTAssertEqual([0, 90, 180, 270].map { Rotation(angle: $0) }, Rotation.allCases)
        XCTAssertEqual([-90, 360, 89.9999, 450].map { Rotation(angle: $0)?.rawValue }, [270, 0, 90, 90])
        XCTAssertEqual([-0.001, 45, .nan].map { Rotation(angle: $0)?.rawValue }, [0, nil, nil])
    }

    /// By hand: a picture of 2 x 1 pixels, of which x is to the right and y down, turned clockwise and then flipped.
    func testTransformsOfVideos() {
        let turned = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)].map {
            Orientation(a: $0.0, b: $0.1, c: $0.2, d: $0.3)
        }
        XCTAssertEqual(turned, Rotation.allCases.map { Orientation(rotation: $0, mirrored: false) })
        let flipped = [(-1, 0, 0, 1), (0, 1, 1, 0), (1, 0, 0, -1), (0, -1, -1, 0)].map {
            Orientation(a: $0.0, b: $0.1, c: $0.2, d: $0.3)
        }
        XCTAssertEqual(flipped, Rotation.allCases.map { Orientation(rotation: $0, mirrored: true) })
        XCTAssertNil(Orientation(a: 0.7, b: 0.7, c: -0.7, d: 0.7))
    }

    /// The reader follows the transform: where it takes a stored pixel is where that pixel is read.
    func testTheReaderGoesWhereTheTransformGoes() throws {
        var frames = RandomFrames(seed: 8)
        for (a, b, c, d) in [(0, 1, 1, 0), (0, 1, -1, 0), (-1, 0, 0, 1), (0, -1, -1, 0), (1, 0, 0, -1)] {
            let meant = try XCTUnwrap(Orientation(a: Double(a), b: Double(b), c: Double(c), d: Double(d)))
            let stored = try frames.bgra(width: 5, height: 3, rotation: .degrees0, mirrored: false)
            let frame = try CameraFrame(
                format: .bgra, width: 5, height: 3, channels: stored.channels, rotation: meant.rotation,
                mirrored: meant.mirrored)
            let (from, to) = (FrameReader.upright(stored).nested, FrameReader.upright(frame).nested)
            let (shiftX, shiftY) = (min(0, 4 * a) + min(0, 2 * c), min(0, 4 * b) + min(0, 2 * d))
            for y in 0..<3 {
                for x in 0..<5 {
                    XCTAssertEqual(to[b * x + d * y - shiftY][a * x + c * y - shiftX], from[y][x], "\(meant) \(x) \(y)")
                }
            }
        }
    }
}
