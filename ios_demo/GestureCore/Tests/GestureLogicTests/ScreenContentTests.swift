import GestureCore
import XCTest

@testable import GestureLogic
@testable import GestureTestSupport

final class ScreenContentTests: XCTestCase {
    func testTheMostUrgentBanner() {
        let hot = DeviceCondition(thermal: .serious)
        XCTAssertEqual(content(PipelineState(), hasModel: false).banner, .noModel)
        XCTAssertEqual(content(PipelineState(), source: .refused).banner, .cameraRefused)
        XCTAssertEqual(content(PipelineState(), source: .refused).banner?.action, .openSettings)
        XCTAssertEqual(content(PipelineState(), source: .failed("x")).banner?.action, .retry)
        XCTAssertEqual(content(PipelineState(), source: .interrupted, condition: hot).banner, .interrupted)
        XCTAssertEqual(content(PipelineState(), condition: hot).banner, .hot)
        let resting = DeviceCondition(thermal: .critical)
        XCTAssertEqual(content(PipelineState(), source: .refused, condition: resting).banner, .tooHot)
        XCTAssertNil(content(PipelineState()).banner)
    }

    func testWhatThePipelineKnowsIsShown() throws {
        let executor = ManualExecutor()
        let runner = FakeRunner(try TestContract.read())
        runner.logits = [0, 9, 0, 0]
        let pipeline = Pipeline(executor: executor, clock: SteppingClock())
        let thresholds = try TestContract.readThresholds()
        pipeline.open(FakeSource { try Model(runner, thresholds: thresholds) })
        XCTAssertEqual(content(pipeline.state).banner, .loading)
        executor.run()
        for time in [0, 250, 500] {
            pipeline.offer(try RedFrame.at(time))
            executor.run()
        }
        let shown = content(pipeline.state)
        XCTAssertEqual(shown.current, "Right")
        XCTAssertEqual(shown.scores.map(\.name), ["Right", "Left", "Stop", "No gesture"])
        XCTAssertEqual(shown.history.map(\.ago), [0.25])
        XCTAssertEqual(shown.history.map(\.isActive), [true])
        XCTAssertEqual(shown.scores.first?.percent, 100)
        XCTAssertEqual(shown.stages.map(\.id), [.preprocess, .inference, .postprocess])
        XCTAssertEqual(shown.stages.compactMap(\.times).count, 3)
        XCTAssertEqual(shown.runtime, "fake 1.0")
        runner.failure = DemoError("it broke")
        pipeline.offer(try RedFrame.at(750))
        executor.run()
        XCTAssertEqual(content(pipeline.state).banner, .failed("it broke"))
    }

    /// The screen is a looking glass for the front camera; the network never gets that picture.
    func testOnlyTheFrontCamerasPreviewIsMirrored() {
        XCTAssertTrue(content(PipelineState(), input: .camera(.front)).mirrorsPreview)
        XCTAssertFalse(content(PipelineState(), input: .camera(.back)).mirrorsPreview)
        XCTAssertFalse(content(PipelineState(), input: .video(URL(fileURLWithPath: "/v.mov"))).mirrorsPreview)
    }

    private func content(
        _ state: PipelineState, source: SourceStatus = .running, condition: DeviceCondition = DeviceCondition(),
        input: Input = .camera(.front), hasModel: Bool = true
    ) -> ScreenContent {
        ScreenContent(pipeline: state, source: source, condition: condition, input: input, hasModel: hasModel)
    }
}

private enum RedFrame {
    static func at(_ timeMs: Int) throws -> CameraFrame {
        let storage = OwnedBytes((0..<48 * 40 * 4).map { $0 % 4 == 2 ? 255 : 0 })
        let channels = PixelFormat.bgra.channelNames.enumerated().map {
            ($1, Channel(storage: storage, rowStride: 48 * 4, pixelStride: 4, offset: $0))
        }
        return try CameraFrame(
            format: .bgra, width: 48, height: 40, channels: Dictionary(uniqueKeysWithValues: channels), timeMs: timeMs)
    }
}
