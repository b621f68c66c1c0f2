import XCTest

@testable import GestureCore
@testable import GestureTestSupport

/// A stream may be lost at any moment of a frame's way.
final class PipelineStreamTests: PipelineTestCase {
    /// A camera's frame must not begin the stream of the video that takes its place.
    func testAResetWhileAFrameIsPreprocessedDropsTheFrame() throws {
        let (pipeline, runner, preprocessor) = try disturbed()
        preprocessor.during = { pipeline.reset() }
        XCTAssertEqual(offers(pipeline, [1_000_250]), [.taken])
        XCTAssertEqual(runner.inputs.count, 0)
        preprocessor.during = {}
        XCTAssertEqual(offers(pipeline, [0, 250]), [.taken, .taken])
        XCTAssertEqual(pipeline.state.status, .running)
        XCTAssertEqual(pipeline.state.counts.processed, 2)
        XCTAssertEqual(events.map(\.timeMs), [250])
    }

    func testAResetWhileTheNetworkRunsDropsWhatItSays() throws {
        let (pipeline, runner, _) = try disturbed()
        _ = offers(pipeline, [1_000_000])
        runner.during = { pipeline.reset() }
        _ = offers(pipeline, [1_000_250])
        runner.during = {}
        XCTAssertEqual(events, [])
        XCTAssertEqual(offers(pipeline, [0, 250]), [.taken, .taken])
        XCTAssertEqual(events.map(\.timeMs), [250])
    }

    func testAPauseWhileAFrameIsOnItsWayDropsIt() throws {
        let (pipeline, runner, _) = try disturbed()
        pipeline.offer(try frame(0))
        pipeline.pause()
        pipeline.resume()
        executor.run()
        XCTAssertEqual(runner.inputs.count, 0)
        XCTAssertEqual(offers(pipeline, [250]), [.taken])
    }

    func testATurnWhileAFrameIsOnItsWayDropsIt() throws {
        let (pipeline, runner, _) = try disturbed()
        pipeline.offer(try frame(0))
        XCTAssertEqual(pipeline.offer(try frame(250, rotation: .degrees90)), .behind)
        executor.run()
        XCTAssertEqual(runner.inputs.count, 0)
        XCTAssertEqual(pipeline.offer(try frame(300, rotation: .degrees90)), .taken)
    }

    /// The next frame tells whether the model works.
    func testWhatFailsForAStreamThatIsOverHarmsNobody() throws {
        let (pipeline, runner, preprocessor) = try disturbed()
        preprocessor.during = {
            pipeline.reset()
            throw DemoError("a frame of before")
        }
        _ = offers(pipeline, [0])
        preprocessor.during = {}
        XCTAssertEqual(pipeline.state.status, .running)
        runner.during = { pipeline.reset() }
        runner.logits = [.nan, 0, 0, 0]
        _ = offers(pipeline, [250])
        XCTAssertEqual(pipeline.state.status, .running)
    }

    func testTheNetworkForgetsOnceAStream() throws {
        let (pipeline, runner, _) = try disturbed()
        _ = offers(pipeline, [0])
        let before = runner.resets
        pipeline.reset()
        pipeline.reset()
        _ = offers(pipeline, [0, 250])
        XCTAssertEqual(runner.resets, before + 1)
    }

    /// Times of a model that is not shown any more are not those of the next one.
    func testAFrameOfTheModelBeforeLeavesNoTrace() throws {
        let (pipeline, runner, preprocessor) = try disturbed()
        preprocessor.during = { pipeline.open(FakeSource { throw DemoError("there is no model") }) }
        _ = offers(pipeline, [0])
        XCTAssertEqual(runner.inputs.count, 0)
        XCTAssertEqual(pipeline.state.timings, [:])
    }

    /// Makes gesture 0 begin with the second frame, over a preprocessor that something happens to.
    private func disturbed() throws -> (Pipeline, FakeRunner, DisturbedPreprocessor) {
        let contract = try TestContract.read()
        let (runner, preprocessor) = (FakeRunner(contract), try DisturbedPreprocessor(contract))
        runner.logits = [9, 0, 0, 0]
        let detector = try EventDetector(try TestContract.readThresholds(), labels: contract.labels)
        let pipeline = made()
        pipeline.open(
            FakeSource {
                Model(preprocessor: preprocessor, runner: runner, postprocessor: detector, framesPerSecond: 4)
            })
        executor.run()
        return (pipeline, runner, preprocessor)
    }
}
