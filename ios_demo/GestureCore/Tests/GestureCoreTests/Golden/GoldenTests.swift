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

    func testEvents() throws {
        let rows = try GoldenChecks(folder: GoldenFolder()).events()
        XCTAssertGreaterThan(rows.map(\.values).max() ?? 0, 40)
        requireSame(rows)
    }

    func testExponential() throws {
        requireSame([try GoldenChecks(folder: GoldenFolder()).exponentials()])
    }

    func testStatesGoBackIntoTheNetwork() throws {
        let row = try GoldenChecks(folder: GoldenFolder()).states()
        XCTAssertGreaterThan(row.values, 1000)
        requireSame([row])
    }

    /// For the parity ladder: all rows, those that differ too.
    func testWriteTheResult() throws {
        guard let path = ProcessInfo.processInfo.environment["STH_GOLDEN_RESULT"] else {
            throw XCTSkip("STH_GOLDEN_RESULT names no file for the parity ladder")
        }
        let folder = try GoldenFolder()
        let rows = try GoldenChecks(folder: folder).all()
        let content: [String: Any] = [
            "kind": "golden", "side": "Swift", "made_of": try folder.madeOf(), "rows": rows.map(\.json),
        ]
        let data = try JSONSerialization.data(withJSONObject: content, options: [.prettyPrinted, .sortedKeys])
        try data.write(to: URL(fileURLWithPath: path), options: .atomic)
        XCTAssertFalse(rows.isEmpty)
    }

    private func requireSame(_ rows: [GoldenRow]) {
        for row in rows {
            XCTAssertGreaterThan(row.values, 0, row.name)
            XCTAssertEqual(row.differing, 0, "\(row.name): largest difference \(row.largest)")
        }
    }
}
