import XCTest

@testable import GestureCore
@testable import GestureTestSupport

final class InputTensorTests: XCTestCase {
    /// With mean and deviation 128/255 and a scale of 1/128 the integer is the value less 128.
    func testQuantizedIsTheValueLess128InOrderOfColoursLast() throws {
        var random = SeededRandom(4)
        let picture = Picture(height: 32, width: 32, pixels: random.bytes(3 * 32 * 32))
        let tensor = try InputTensor(TestContract.read()).make(picture)
        XCTAssertEqual(tensor.shape, [1, 32, 32, 3])
        XCTAssertEqual(tensor.elements, .int8(picture.pixels.map { Int8(Int($0) - 128) }))
    }

    func testRealNumbersWithColoursFirst() throws {
        var random = SeededRandom(5)
        let picture = Picture(height: 32, width: 32, pixels: random.bytes(3 * 32 * 32))
        let tensor = try InputTensor(TestContract.read(quantized: false)).make(picture)
        guard case .float32(let values) = tensor.elements else { return XCTFail("not float32") }
        for (colour, pixel) in [(0, 0), (1, 5), (2, 1023)] {
            let wanted = (Float(picture.pixels[3 * pixel + colour]) - 128) / 128
            XCTAssertEqual(values[colour * 1024 + pixel], wanted, accuracy: 1e-6)
        }
    }

    func testHalvesAreRoundedToEven() throws {
        let text = TestContract.json().replacingOccurrences(of: "0.0078125", with: "0.015625")
        let tensor = try InputTensor(Contract.read(Data(text.utf8), name: "c"))
        let levels: [UInt8] = [127, 129, 131, 133, 255]
        let pixels = (0..<3 * 32 * 32).map { levels[$0 % levels.count] }
        guard case .int8(let values) = tensor.make(Picture(height: 32, width: 32, pixels: pixels)).elements else {
            return XCTFail("not int8")
        }
        XCTAssertEqual(Array(values.prefix(5)), [0, 0, 2, 2, 64])  // -0.5, 0.5, 1.5, 2.5, 63.5
    }

    func testAnUnknownTypeIsRefused() throws {
        let text = TestContract.json(quantized: false).replacingOccurrences(of: "float32", with: "float16")
        let contract = try Contract.read(Data(text.utf8), name: "c")
        XCTAssertThrowsError(try InputTensor(contract)) { XCTAssertTrue("\($0)".contains("float16"), "\($0)") }
    }
}
