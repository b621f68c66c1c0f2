import XCTest

@testable import GestureCore
@testable import GestureTestSupport

final class SquareResizerTests: XCTestCase {
    func testEverySizeIsTheSlowReference() {
        var random = SeededRandom(2)
        for side in [1, 2, 3, 5, 7, 8, 11, 16] {
            for size in [1, 2, 3, 5, 8, 13, 16] {
                let square = Picture(height: side, width: side, pixels: random.bytes(3 * side * side))
                XCTAssertEqual(
                    SquareResizer(side: side, size: size).resize(square).nested,
                    SlowReference.resized(square.nested, size), "\(side) to \(size)")
            }
        }
    }

    /// By hand: 3 pixels to 2. The middle one belongs to both halves.
    func testShrinkingSharesAPixel() {
        let picture = Picture(height: 3, width: 3, pixels: (0..<9).flatMap { [UInt8($0 * 20), 0, 255] })
        let result = SquareResizer(side: 3, size: 2).resize(picture)
        // (0 * 4 + 20 * 2 + 60 * 2 + 80 * 1) / 9 = 26.67
        XCTAssertEqual(result.nested[0][0], [27, 0, 255])
    }

    func testTheCropIsTheMiddleOfTheUprightPicture() throws {
        var frames = RandomFrames(seed: 3)
        let contract = try Contract.read(Data(TestContract.json(size: 32).utf8), name: "c")
        for (width, height, rotation) in [(53, 40, Rotation.degrees90), (61, 37, .degrees0), (33, 90, .degrees270)] {
            let frame = try frames.yuv(width: width, height: height, rotation: rotation, mirrored: true, biplanar: true)
            let upright = SlowReference.upright(frame)
            let side = Int(Double(min(width, height)) * 0.875)
            let (top, left) = ((upright.count - side) / 2, (upright[0].count - side) / 2)
            let square = upright[top..<top + side].map { Array($0[left..<left + side]) }
            XCTAssertEqual(
                try ContractPreprocessor(contract).resized(frame).nested, SlowReference.resized(square, 32))
        }
    }
}
