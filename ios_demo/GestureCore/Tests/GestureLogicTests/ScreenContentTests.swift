import GestureCore
import XCTest

@testable import GestureLogic
@testable import GestureTestSupport

final class ScreenContentTests: XCTestCase {
    func testTheMostUrgentBanner() throws {
        let made = try MadeSession()
        XCTAssertEqual(
            ScreenContent(session: made.session, models: try made.noModels()).banner,
            .noModel(faults: ["clip.mlpackage takes whole clips; the live screen needs a stream"]))
        made.open()
        XCTAssertEqual(made.content.banner, .loading)
        made.executor.run()
        XCTAssertNil(made.content.banner)
        let source = try XCTUnwrap(made.parts.cameras.last).outlet
        XCTAssertFalse(made.content.isSourceRunning)
        source.status(.refused)
        XCTAssertEqual(made.content.banner, .cameraRefused)
        XCTAssertEqual(made.content.banner?.action, .openSettings)
        source.status(.failed("x"))
        XCTAssertEqual(made.content.banner, .failed("x"))
        XCTAssertEqual(made.content.banner?.action, .retry)
        made.session.set(DeviceCondition(thermal: .serious))
        source.status(.interrupted(.severalApps))
        XCTAssertEqual(made.content.banner, .interrupted(.severalApps))
        source.status(.running)
        XCTAssertEqual(made.content.banner, .hot)
        XCTAssertTrue(made.content.isSourceRunning)
        made.session.setPaused(true)
        XCTAssertEqual(made.content.banner, .paused)
        made.session.set(DeviceCondition(thermal: .critical))
        XCTAssertEqual(made.content.banner, .tooHot)
    }

    func testWhatThePipelineKnowsIsShown() throws {
        let made = try MadeSession(thresholds: true)
        made.parts.runner.logits = [0, 9, 0, 0]
        made.open()
        made.executor.run()
        for time in [0, 250, 500] { try made.offer(time) }
        let shown = made.content
        XCTAssertEqual(shown.current, "Right")
        XCTAssertEqual(shown.scores.map(\.name), ["Left", "Right", "Stop", "No gesture"])
        XCTAssertEqual(shown.history.map(\.isActive), [true])
        XCTAssertEqual(shown.scores.map(\.percent), [0, 100, 0, 0])
        XCTAssertEqual(shown.stages.map(\.id), [.preprocess, .inference, .postprocess])
        XCTAssertEqual(shown.stages.compactMap(\.times).count, 3)
        XCTAssertEqual(shown.runtime, "fake 1.0")
        XCTAssertEqual(shown.counts.processed, 3)
        made.parts.runner.failure = DemoError("it broke")
        try made.offer(750)
        XCTAssertEqual(made.content.banner, .failed("it broke"))
    }

    /// By the clock: the times of a video that is played again begin anew.
    func testHowLongAgoAGestureWas() throws {
        let made = try MadeSession(thresholds: true)
        made.parts.runner.logits = [0, 9, 0, 0]
        made.open()
        made.executor.run()
        for time in [0, 250, 0] { try made.offer(time) }
        XCTAssertEqual(made.content.history.map(\.ago), [0])
        made.clock.wait(milliseconds: 7000)
        XCTAssertEqual(made.content.history.map(\.ago), [7])
        XCTAssertEqual([made.content.cameraRate, made.content.networkRate], [0, 0])
    }

    /// A video that is played again makes the same gesture at the same time.
    func testGesturesOfTwoStreamsAreTwoRows() throws {
        let made = try MadeSession(thresholds: true)
        made.parts.runner.logits = [0, 9, 0, 0]
        made.open()
        made.executor.run()
        for time in [0, 250, 500, 0, 250, 500] { try made.offer(time) }
        let rows = made.content.history
        XCTAssertEqual(rows.map(\.isActive), [true, false])
        XCTAssertEqual(made.session.pipeline.state.history.map(\.beginMs), [250, 250])
        XCTAssertEqual(rows.map(\.id), [2, 1])
    }

    /// The screen is a looking glass for the front camera; the network never gets that picture.
    func testOnlyTheFrontCamerasPreviewIsMirrored() throws {
        let made = try MadeSession()
        XCTAssertTrue(made.content.mirrorsPreview)
        made.session.choose(Input.camera(.back))
        XCTAssertFalse(made.content.mirrorsPreview)
        made.session.choose(Input.video(URL(fileURLWithPath: "/v.mov")))
        XCTAssertFalse(made.content.mirrorsPreview)
    }
}
