import XCTest

@testable import GestureCore
@testable import GestureTestSupport

final class PipelineTests: PipelineTestCase {
    func testFramesBecomeGestures() throws {
        let (pipeline, runner) = try running()
        runner.logits = [9, 0, 0, 0]
        XCTAssertEqual(offers(pipeline, [0, 100, 250]), [.taken, .early, .taken])
        runner.logits = [0, 0, 0, 9]
        XCTAssertEqual(offers(pipeline, [500]), [.taken])
        let state = pipeline.state
        XCTAssertEqual(state.history.map(\.label), [0])
        XCTAssertEqual(state.history.map(\.beginMs), [250])
        XCTAssertEqual(state.history.map(\.endMs), [500])
        XCTAssertNil(state.active)
        XCTAssertEqual(state.scores.map { ($0 * 100).rounded() }, [0, 0, 0, 100])
        XCTAssertEqual(events.map(\.kind), [.begin, .end])
        XCTAssertEqual([state.counts.offered, state.counts.early, state.counts.processed], [4, 1, 3])
        XCTAssertEqual(Set(state.timings.keys), Set(Stage.allCases))
        XCTAssertEqual(state.runtime, "fake 1.0")
        XCTAssertGreaterThan(changes, 3)
    }

    func testDueFramesAreDroppedWhileInferenceIsBehind() throws {
        let (pipeline, runner) = try running()
        XCTAssertEqual(pipeline.offer(try frame(0)), .taken)
        XCTAssertEqual(pipeline.offer(try frame(250)), .behind)
        XCTAssertEqual(pipeline.offer(try frame(500)), .behind)
        executor.run()
        XCTAssertEqual(pipeline.offer(try frame(520)), .taken)
        executor.run()
        XCTAssertEqual(runner.inputs.count, 2)
        XCTAssertEqual([pipeline.state.counts.dropped, pipeline.state.counts.missed], [2, 1])
    }

    func testAResetEndsWhatLastsAndTheNetworkForgets() throws {
        let (pipeline, runner) = try running()
        runner.logits = [0, 9, 0, 0]
        _ = offers(pipeline, [0, 250])
        XCTAssertEqual(pipeline.state.active?.label, 1)
        let before = runner.resets
        pipeline.reset()
        executor.run()
        XCTAssertNil(pipeline.state.active)
        XCTAssertGreaterThan(runner.resets, before)
        XCTAssertEqual(offers(pipeline, [10]), [.taken])  // an earlier time: a first frame again
    }

    func testATurnedFrameOrATimeThatGoesBackBeginsAStream() throws {
        let (pipeline, runner) = try running()
        _ = offers(pipeline, [0])
        let before = runner.resets
        _ = offers(pipeline, [250])
        XCTAssertEqual(runner.resets, before)
        XCTAssertEqual(pipeline.offer(try frame(300, rotation: .degrees90)), .taken)
        executor.run()
        XCTAssertEqual(runner.resets, before + 1)
        XCTAssertEqual(pipeline.offer(try frame(100, rotation: .degrees90)), .taken)
        executor.run()
        XCTAssertEqual(runner.resets, before + 2)
        XCTAssertEqual(pipeline.state.status, .running)
    }

    func testPausedFramesAreRefused() throws {
        let (pipeline, runner) = try running()
        runner.logits = [9, 0, 0, 0]
        _ = offers(pipeline, [0, 250])
        pipeline.pause()
        XCTAssertEqual(offers(pipeline, [500]), [.refused])
        XCTAssertEqual(events.last?.kind, .end)
        pipeline.resume()
        XCTAssertEqual(offers(pipeline, [510]), [.taken])
    }

    func testAPauseWhileLoadingHolds() throws {
        let pipeline = made()
        let runner = FakeRunner(try TestContract.read())
        pipeline.open(FakeSource { try Model(runner, thresholds: nil) })
        pipeline.pause()
        XCTAssertEqual(pipeline.state.status, .loading)
        executor.run()
        XCTAssertEqual(pipeline.state.status, .paused)
        pipeline.resume()
        XCTAssertEqual(offers(pipeline, [0]), [.taken])
        XCTAssertEqual(pipeline.state.scores.count, 4)
    }

    func testAnErrorIsAStateAndRetryGoesOn() throws {
        let (pipeline, runner) = try running()
        runner.failure = DemoError("the model broke")
        _ = offers(pipeline, [0])
        XCTAssertEqual(pipeline.state.status, .failed("the model broke"))
        XCTAssertEqual(offers(pipeline, [250]), [.refused])
        runner.failure = nil
        pipeline.retry()
        executor.run()
        XCTAssertEqual(offers(pipeline, [500]), [.taken])
        XCTAssertEqual(pipeline.state.status, .running)
    }

    func testAFrameThatCannotBeUsedIsAStateToo() throws {
        let (pipeline, _) = try running()
        let tiny = try CameraFrame(
            format: .bgra, width: 1, height: 1,
            channels: Dictionary(
                uniqueKeysWithValues: PixelFormat.bgra.channelNames.map {
                    ($0, Channel(storage: OwnedBytes([0]), rowStride: 1, pixelStride: 1))
                }))
        pipeline.offer(tiny)
        XCTAssertEqual(pipeline.state.status, .failed("a picture of 1 x 1 pixels is too small"))
    }

    func testAFailureEndsTheGestureThatLasts() throws {
        let (pipeline, runner) = try running()
        runner.logits = [9, 0, 0, 0]
        _ = offers(pipeline, [0, 250])
        XCTAssertEqual(pipeline.state.active?.label, 0)
        runner.failure = DemoError("the model broke")
        _ = offers(pipeline, [500])
        XCTAssertNil(pipeline.state.active)
        XCTAssertEqual(pipeline.state.history.map(\.endMs), [250])
        XCTAssertEqual(pipeline.state.scores, [])
        XCTAssertEqual(events.map(\.kind), [.begin, .end])
    }

    /// Who listens to events must not wait for an end for ever.
    func testAnotherModelEndsTheGestureThatLasts() throws {
        let (pipeline, runner) = try running()
        runner.logits = [9, 0, 0, 0]
        _ = offers(pipeline, [0, 250])
        pipeline.open(FakeSource { throw DemoError("there is no model") })
        executor.run()
        XCTAssertEqual(events.map(\.kind), [.begin, .end])
        XCTAssertEqual(pipeline.state.history, [])
    }

    func testAModelThatDoesNotOpenSaysWhy() throws {
        let pipeline = made()
        let source = FakeSource { throw DemoError("there is no model") }
        pipeline.open(source)
        executor.run()
        XCTAssertEqual(pipeline.state.status, .failed("there is no model"))
    }

    func testOnlyTheNewestModelCounts() throws {
        let pipeline = made()
        let runner = FakeRunner(try TestContract.read())
        pipeline.open(FakeSource { throw DemoError("old") })
        pipeline.open(FakeSource { try Model(runner, thresholds: nil) })
        executor.run()
        XCTAssertEqual(pipeline.state.status, .running)
    }
}
