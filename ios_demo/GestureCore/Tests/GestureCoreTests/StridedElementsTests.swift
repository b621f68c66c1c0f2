import XCTest

@testable import GestureCore

final class StridedElementsTests: XCTestCase {
    func testRowsWithGapsAndTurnedAxes() {
        let memory = Array(0..<100)
        XCTAssertEqual(
            StridedElements.inOrder(shape: [2, 3], strides: [16, 1]) { memory[$0] }, [0, 1, 2, 16, 17, 18])
        XCTAssertEqual(StridedElements.inOrder(shape: [2, 3], strides: [1, 2]) { memory[$0] }, [0, 2, 4, 1, 3, 5])
    }

    func testContiguous() {
        XCTAssertTrue(StridedElements.areContiguous(shape: [2, 3, 4], strides: [12, 4, 1]))
        XCTAssertTrue(StridedElements.areContiguous(shape: [1, 3, 4], strides: [99, 4, 1]))
        XCTAssertFalse(StridedElements.areContiguous(shape: [2, 3, 4], strides: [96, 32, 1]))
        XCTAssertFalse(StridedElements.areContiguous(shape: [2, 3], strides: [1, 2]))
    }
}
