import GestureLogic
import XCTest

@testable import GestureCore
@testable import GestureDemo

/// On a Mac: the artefact of a golden folder, installed in the app, gives Python's logits in the app's own Core ML.
///
/// `ios_demo/check_on_mac.sh` sets STH_GOLDEN (the folder, made of that artefact) and STH_GOLDEN_RESULT.
final class GoldenCoreMLTests: XCTestCase {
    func testTheStreamGivesPythonsLogits() throws {
        let folder = try GoldenFolder()
        let artefact = try folder.artefact()
        let model = try XCTUnwrap(
            ModelFiles.read().models.first { $0.sha256 == artefact }, "the folder's artefact is not in the app")
        for units in ComputeUnits.allCases {
            let rows = try GoldenChecks(folder: folder).network(try Runners.open(model, units))
            XCTAssertGreaterThan(rows.map(\.values).reduce(0, +), 100)
            for row in rows { XCTAssertEqual(row.differing, 0, "\(units): \(row.name) by \(row.largest)") }
            if units == .all { try folder.write(rows, side: "Core ML") }
        }
    }

    /// A stream that ran before leaves nothing behind, whoever keeps the states.
    func testAResetForgets() throws {
        let folder = try GoldenFolder()
        let artefact = try folder.artefact()
        let model = try XCTUnwrap(ModelFiles.read().models.first { $0.sha256 == artefact })
        let checks = GoldenChecks(folder: folder)
        let runner = try Runners.open(model, .cpuOnly)
        XCTAssertEqual(try checks.network(runner), try checks.network(runner))
    }
}
