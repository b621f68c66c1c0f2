import XCTest

@testable import GestureCore

final class SamplerTests: XCTestCase {
    /// 30 frames a second, of which 4 are wanted: the first at or after each 250 ms.
    func testFramesAreTakenByTheirTimes() {
        var sampler = Sampler(rate: 4)
        let times = (0..<60).map { 5000 + $0 * 1000 / 30 }
        XCTAssertEqual(taken(&sampler, times), [5000, 5266, 5500, 5766, 6000, 6266, 6500, 6766])
        XCTAssertEqual(sampler.missed, 0)
    }

    func testALateFrameDoesNotDelayThoseAfterIt() {
        var sampler = Sampler(rate: 4)
        XCTAssertEqual(taken(&sampler, [0, 250, 980, 1000, 1100, 1250]), [0, 250, 980, 1000, 1250])
        XCTAssertEqual(sampler.missed, 1)  // the one due at 750: 980 stands for 500
    }

    func testAfterAResetTheNextFrameIsAFirstOne() {
        var sampler = Sampler(rate: 4)
        _ = taken(&sampler, [0, 250])
        sampler.reset()
        XCTAssertEqual(taken(&sampler, [260, 400, 510]), [260, 510])
    }

    private func taken(_ sampler: inout Sampler, _ times: [Int]) -> [Int] {
        times.filter { time in
            guard sampler.isDue(time) else { return false }
            sampler.take(time)
            return true
        }
    }
}
