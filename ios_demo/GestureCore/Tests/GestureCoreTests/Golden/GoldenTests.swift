import Foundation
import XCTest

@testable import GestureCore

/// Swift computes what Python computed: the same integers, the same bits of events.
final class GoldenTests: XCTestCase {
    func testCameraFrames() throws {
        let rows = try GoldenChecks(folder: GoldenFolder()).camera()
        XCTAssertGreaterThanOrEqual(rows.count, 30)
        requireSame(rows)
    }

    /// The tensor of a Core ML artefact is of real numbers, channels first.
    func testCameraFramesForCoreML() throws {
        let folder = try GoldenFolder("STH_GOLDEN_COREML")
        XCTAssertEqual(try folder.contract().input.layout, .tchw)
        XCTAssertEqual(try folder.contract().input.dtype, .float32)
        requireSame(try GoldenChecks(folder: folder).camera())
    }

    func testEvents() throws {
        let rows = try GoldenChecks(folder: GoldenFolder()).events()
        XCTAssertGreaterThan(rows.map(\.values).max() ?? 0, 40)
        requireSame(rows)
    }

    func testExponential() throws {
        requireSame([try GoldenChecks(folder: GoldenFolder()).exponentials()])
    }

    func testStatesGoBackIntoTheNetworkAndLogitsComeOut() throws {
        let rows = try GoldenChecks(folder: GoldenFolder()).stream()
        XCTAssertGreaterThan(rows[0].values, 1000)
        requireSame(rows)
    }

    func testWriteTheResult() throws {
        let folder = try GoldenFolder()
        let real = try GoldenChecks(folder: GoldenFolder("STH_GOLDEN_COREML")).camera()
        let rows = try GoldenChecks(folder: folder).all() + real.map { $0.named("coreml/\($0.name)") }
        try folder.write(rows, side: "Swift")
        XCTAssertFalse(rows.isEmpty)
    }

    /// What the check on a Mac counts as differing.
    func testLogitsMayDifferByTwoSteps() throws {
        XCTAssertEqual(GoldenChecks.step(of: [1.5, -0.5, 0.25, 1.5, 0.5]), 0.25)
        let row = GoldenRow("logits", [0, 0.5, 1.0, .nan], [0, 0, 0, 0], within: 0.5)
        XCTAssertEqual(row.differing, 2)
    }

    private func requireSame(_ rows: [GoldenRow]) {
        for row in rows {
            XCTAssertGreaterThan(row.values, 0, row.name)
            XCTAssertEqual(row.differing, 0, "\(row.name): largest difference \(row.largest)")
        }
    }
}
