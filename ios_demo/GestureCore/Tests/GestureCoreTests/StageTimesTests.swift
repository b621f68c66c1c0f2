import XCTest

@testable import GestureCore

final class StageTimesTests: XCTestCase {
    func testPercentilesLieBetweenSamples() {
        XCTAssertNil(Percentiles(of: []))
        XCTAssertEqual(Percentiles(of: [4]), Percentiles(p50: 4, p90: 4))
        XCTAssertEqual(Percentiles(of: [4, 1, 3, 2]), Percentiles(p50: 2.5, p90: 3.7))
    }

    func testOnlyTheLastFramesCount() {
        var times = StageTimes()
        for number in 0..<240 { times.add(.inference, milliseconds: number < 120 ? 1000 : 2) }
        XCTAssertEqual(times.percentiles, [.inference: Percentiles(p50: 2, p90: 2)])
    }

    func testRateIsOfTheLastTwoSeconds() {
        var meter = RateMeter()
        XCTAssertEqual(meter.rate(at: 5), 0)
        for tick in 0..<10 { meter.tick(UInt64(tick) * 1_000_000_000) }
        for tick in 0...40 { meter.tick(9_000_000_000 + UInt64(tick) * 100_000_000) }
        XCTAssertEqual(meter.rate(at: 13_000_000_000), 10, accuracy: 0.01)
        XCTAssertEqual(meter.rate(at: 15_000_000_000), 0)
    }
}
