import XCTest

@testable import GestureCore
@testable import GestureTestSupport

final class EventDetectorTests: XCTestCase {
    private let left: [Float] = [9, 0, 0, 0]
    private let none: [Float] = [0, 0, 0, 9]

    func testAGestureBeginsWhenHeldAndEndsWhenGone() throws {
        let detector = try EventDetector(TestContract.readThresholds(), labels: TestContract.labels)
        XCTAssertEqual(try detector.step(none, timeMs: 0), [])
        XCTAssertEqual(try detector.step(left, timeMs: 250), [])
        let begin = try detector.step(left, timeMs: 500)
        XCTAssertEqual(begin.map(\.kind), [.begin])
        XCTAssertEqual(begin.first?.label, 0)
        let end = try detector.step(none, timeMs: 750)
        XCTAssertEqual(end.map(\.kind), [.end])
        XCTAssertEqual(end.first?.timeMs, 750)
    }

    func testAStallEndsTheGestureAtTheFrameBefore() throws {
        let detector = try EventDetector(TestContract.readThresholds(), labels: TestContract.labels)
        _ = try detector.step(left, timeMs: 0)
        XCTAssertEqual(try detector.step(left, timeMs: 250).count, 1)
        let events = try detector.step(left, timeMs: 2000)
        XCTAssertEqual(events.map(\.timeMs), [250])
    }

    func testWhatIsNoFrameIsRefused() throws {
        let detector = try EventDetector(TestContract.readThresholds(), labels: TestContract.labels)
        _ = try detector.step(left, timeMs: 5)
        XCTAssertThrowsError(try detector.step(left, timeMs: 5))
        XCTAssertThrowsError(try detector.step([1, 2], timeMs: 6))
        XCTAssertThrowsError(try detector.step([.nan, 0, 0, 0], timeMs: 6))
        XCTAssertThrowsError(try ScoresOnly().step([.infinity], timeMs: 0))
    }

    func testItWarnsOfAnotherFrameRateAfterNineIntervals() throws {
        let detector = try EventDetector(TestContract.readThresholds(), labels: TestContract.labels)
        for frame in 0...8 {
            _ = try detector.step(none, timeMs: 100 * frame)
            XCTAssertNil(detector.warning)
        }
        _ = try detector.step(none, timeMs: 900)
        XCTAssertEqual(detector.warning, RateWarning(framesPerSecond: 10, least: 3.2, greatest: 5))
        _ = detector.reset()
        XCTAssertNil(detector.warning)
    }

    func testScoresAreASoftmaxAndSmoothed() throws {
        let detector = try EventDetector(TestContract.readThresholds(["tau_ms": "500"]), labels: TestContract.labels)
        _ = try detector.step([0, 0, 0, 0], timeMs: 0)
        XCTAssertEqual(try XCTUnwrap(detector.scores), [0.25, 0.25, 0.25, 0.25])
        _ = try detector.step([200, 0, 0, 0], timeMs: 500)
        let wanted = 0.25 + (1 - 1 / 2.718281828459045) * 0.75
        XCTAssertEqual(try XCTUnwrap(detector.scores)[0], wanted, accuracy: 1e-9)
    }
}
