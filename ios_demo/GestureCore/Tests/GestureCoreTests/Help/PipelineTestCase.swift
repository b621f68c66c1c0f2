import XCTest

@testable import GestureCore
@testable import GestureTestSupport

/// A pipeline over fakes, whose executor works when it is told.
class PipelineTestCase: XCTestCase {
    let executor = ManualExecutor()
    var events: [GestureEvent] = []
    var changes = 0

    func made() -> Pipeline {
        Pipeline(
            executor: executor, clock: SteppingClock(), onEvent: { [unowned self] in events.append($0) },
            onChange: { [unowned self] in changes += 1 })
    }

    /// With a model that is open.
    func running() throws -> (Pipeline, FakeRunner) {
        let pipeline = made()
        let runner = FakeRunner(try TestContract.read())
        let thresholds = try TestContract.readThresholds()
        pipeline.open(FakeSource { try Model(runner, thresholds: thresholds) })
        XCTAssertEqual(pipeline.state.status, .loading)
        executor.run()
        return (pipeline, runner)
    }

    /// Frames of these times, each all the way.
    func offers(_ pipeline: Pipeline, _ times: [Int]) -> [Offer] {
        times.map { time in
            defer { executor.run() }
            guard let frame = try? frame(time) else { return .refused }
            return pipeline.offer(frame)
        }
    }

    func frame(_ timeMs: Int, rotation: Rotation = .degrees0) throws -> CameraFrame {
        let storage = OwnedBytes(.init(repeating: 100, count: 48 * 40 * 4))
        let channels = PixelFormat.bgra.channelNames.enumerated().map {
            ($1, Channel(storage: storage, rowStride: 48 * 4, pixelStride: 4, offset: $0))
        }
        return try CameraFrame(
            format: .bgra, width: 48, height: 40, channels: Dictionary(uniqueKeysWithValues: channels),
            rotation: rotation, timeMs: timeMs)
    }
}
