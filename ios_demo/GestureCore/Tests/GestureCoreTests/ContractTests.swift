import XCTest

@testable import GestureCore
@testable import GestureTestSupport

final class ContractTests: XCTestCase {
    func testAWholeContract() throws {
        let contract = try TestContract.read()
        XCTAssertEqual(contract.labels, TestContract.labels)
        XCTAssertEqual(contract.input.layout, .thwc)
        XCTAssertEqual(contract.states.map(\.output), ["state_1_next"])
        XCTAssertEqual(contract.stateBytes, 2)
        XCTAssertEqual(contract.output.quantization?.real(11), 1)
        XCTAssertEqual(contract.options["causal"], .bool(true))
    }

    func testFaultsNameFileAndField() {
        let faults = [
            (TestContract.json(version: 3), "is of version 3; this app reads 2"),
            (TestContract.json().replacingOccurrences(of: "\"labels\"", with: "\"lables\""), "labels is missing"),
            (TestContract.json().replacingOccurrences(of: "\"dtype\": \"int8\"", with: "\"dtype\": 5"), "dtype"),
            (TestContract.json().replacingOccurrences(of: "[1, 32, 32, 3]", with: "[1, 32, 3, 32]"), "input has shape"),
            (TestContract.json().replacingOccurrences(of: "[1, 4]", with: "[1, 5]"), "4 labels for an output of"),
            (TestContract.json().replacingOccurrences(of: "RGB", with: "BGR"), "colour_order is BGR"),
            (TestContract.json(rate: 0), "frames_per_second is 0.0"),
            ("not JSON", "m.contract.json is not whole"),
        ]
        for (text, wanted) in faults {
            XCTAssertThrowsError(try Contract.read(Data(text.utf8), name: "m.contract.json")) {
                XCTAssertTrue("\($0)".contains(wanted) && "\($0)".contains("m.contract.json"), "\($0)")
            }
        }
    }

    func testThresholdsOutOfRange() throws {
        XCTAssertEqual(try TestContract.readThresholds().holdMs, 250)
        let faults = [
            (["off": "0.7"], "expected 0 < off < on < 1"), (["gap_ms": "0"], "gap_ms is 0"),
            (["hold_ms": "-1"], "hold_ms is -1"), (["temperature": "0"], "temperature is 0"),
            (["hold_ms": "1.5"], "test.events.json is not whole"), (["more": "1"], "more is no threshold"),
            (["frames_per_second": "[5, 3]"], "frames_per_second"), (["version": "2"], "is of version 2"),
        ]
        for (change, wanted) in faults {
            XCTAssertThrowsError(try TestContract.readThresholds(change)) {
                XCTAssertTrue("\($0)".contains(wanted), "\($0)")
            }
        }
        XCTAssertThrowsError(
            try TestContract.readThresholds(["background": #"["Nothing"]"#]).gestures(of: TestContract.labels))
    }
}
