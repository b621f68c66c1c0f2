import GestureCore
import XCTest

@testable import GestureLogic
@testable import GestureTestSupport

final class SessionTests: XCTestCase {
    private var executor = ManualExecutor()

    func testNothingRunsBeforeTheAppIsInFront() throws {
        let made = try MadeSession()
        let (session, parts) = (made.session, made.parts)
        XCTAssertTrue(parts.cameras.isEmpty)
        session.enter(.active)
        XCTAssertEqual(parts.inputs, [.camera(.front)])
        XCTAssertTrue(parts.cameras[0].isRunning)
    }

    func testInTheBackgroundTheCameraIsGivenBackAndFramesAreRefused() throws {
        let (session, parts) = try running()
        session.enter(.background)
        XCTAssertFalse(parts.cameras[0].isRunning)
        XCTAssertEqual(session.pipeline.state.status, .paused)
        session.enter(.active)
        XCTAssertTrue(parts.cameras[1].isRunning)
        XCTAssertEqual(session.pipeline.state.status, .running)
        parts.cameras[0].outlet.frame(try MadeSession.frame(0))  // one that was still on its way
        executor.run()
        XCTAssertEqual(session.pipeline.state.counts.offered, 0)
    }

    /// The system refuses the GPU to an app that is not in front.
    func testWhatFailedBehindIsTriedAgainInFront() throws {
        let made = try MadeSession()
        made.parts.failure = DemoError("no GPU in the background")
        made.open()
        made.session.enter(.background)
        made.executor.run()
        XCTAssertEqual(made.session.pipeline.state.status, .failed("no GPU in the background"))
        made.parts.failure = nil
        made.session.enter(.active)
        made.executor.run()
        XCTAssertEqual(made.session.pipeline.state.status, .running)
    }

    /// What the network would say of it belongs to a stream that is over.
    func testAFrameOnItsWayWhenTheAppGoesBehindIsDropped() throws {
        let (session, parts) = try running()
        parts.cameras[0].outlet.frame(try MadeSession.frame(0))
        session.enter(.background)
        parts.runner.failure = DemoError("no GPU in the background")
        executor.run()
        XCTAssertEqual(session.pipeline.state.status, .paused)
    }

    func testAnAppThatIsOnlyCoveredKeepsTheCamera() throws {
        let (session, parts) = try running()
        session.enter(.inactive)
        XCTAssertTrue(parts.cameras[0].isRunning)
        session.enter(.background)
        session.enter(.inactive)
        XCTAssertTrue(parts.cameras[1].isRunning)
    }

    func testTheScreenStaysOnOnlyWhileGesturesAreLookedFor() throws {
        let (session, parts) = try running()
        XCTAssertFalse(session.keepsScreenOn)
        parts.cameras[0].outlet.status(.running)
        XCTAssertTrue(session.keepsScreenOn)
        session.setPaused(true)
        XCTAssertFalse(session.keepsScreenOn)
        session.setPaused(false)
        parts.cameras[0].outlet.status(.interrupted(.inUse))
        XCTAssertFalse(session.keepsScreenOn)
        parts.cameras[0].outlet.status(.running)
        session.set(DeviceCondition(thermal: .critical))
        XCTAssertFalse(session.keepsScreenOn)
        session.set(DeviceCondition())
        parts.cameras[1].outlet.status(.running)
        XCTAssertTrue(session.keepsScreenOn)
        parts.runner.failure = DemoError("the model broke")
        parts.cameras[1].outlet.frame(try MadeSession.frame(0))
        executor.run()
        XCTAssertFalse(session.keepsScreenOn)
    }

    /// A camera's frame that is being read when a video takes its place never comes into the video's stream.
    func testAFrameOnItsWayWhenTheSourceIsReplacedIsNotOfTheNewStream() throws {
        let (session, parts) = try running()
        let frame = try MadeSession.frame(1_000_250)
        parts.cameras[0].outlet.frame(frame)
        session.choose(Input.video(URL(fileURLWithPath: "/clip.mov")))
        executor.run()
        for time in [0, 250] {
            parts.cameras[1].outlet.frame(try MadeSession.frame(time))
            executor.run()
        }
        XCTAssertEqual(session.pipeline.state.status, .running)
        XCTAssertEqual(parts.runner.inputs.count, 2)
    }

    func testACriticalHeatStopsAndAFallResumes() throws {
        let (session, parts) = try running()
        session.set(DeviceCondition(thermal: .serious))
        XCTAssertTrue(parts.cameras[0].isRunning)
        session.set(DeviceCondition(thermal: .critical))
        XCTAssertFalse(parts.cameras[0].isRunning)
        session.enter(.background)
        session.set(DeviceCondition(thermal: .fair))
        XCTAssertEqual(parts.cameras.count, 1)  // still in the background
        session.enter(.active)
        XCTAssertTrue(parts.cameras[1].isRunning)
    }

    func testSwitchingTheCameraBeginsAStream() throws {
        let (session, parts) = try running()
        let resets = parts.runner.resets
        session.switchCamera()
        executor.run()
        XCTAssertEqual(parts.inputs, [.camera(.front), .camera(.back)])
        XCTAssertFalse(parts.cameras[0].isRunning)
        XCTAssertGreaterThan(parts.runner.resets, resets)
        session.choose(Input.video(URL(fileURLWithPath: "/clip.mov")))
        session.switchCamera()
        XCTAssertEqual(session.input, .camera(.front))
    }

    func testAnInterruptionBeginsAStreamAndIsShown() throws {
        let (session, parts) = try running()
        let resets = parts.runner.resets
        parts.cameras[0].outlet.status(.interrupted(.inUse))
        executor.run()
        XCTAssertEqual(session.sourceStatus, .interrupted(.inUse))
        XCTAssertGreaterThan(parts.runner.resets, resets)
        parts.cameras[0].outlet.status(.running)
        XCTAssertEqual(session.sourceStatus, .running)
    }

    func testWhatAnOldCameraSaysDoesNotCount() throws {
        let (session, parts) = try running()
        session.switchCamera()
        parts.cameras[0].outlet.status(.refused)
        XCTAssertEqual(session.sourceStatus, .stopped)
    }

    func testAFailedCameraIsTriedAgain() throws {
        let (session, parts) = try running()
        parts.cameras[0].outlet.status(.failed("it broke"))
        session.retry()
        XCTAssertEqual(parts.cameras.count, 2)
        XCTAssertEqual(session.sourceStatus, .stopped)
    }

    func testFramesReachThePipeline() throws {
        let (session, parts) = try running()
        parts.cameras[0].outlet.frame(try MadeSession.frame(0))
        executor.run()
        XCTAssertEqual(session.pipeline.state.counts.processed, 1)
    }

    func testAPauseOutlivesTheBackground() throws {
        let (session, parts) = try running()
        session.setPaused(true)
        XCTAssertTrue(parts.cameras[0].isRunning)
        XCTAssertEqual(session.pipeline.state.status, .paused)
        session.enter(.background)
        session.enter(.active)
        XCTAssertTrue(parts.cameras[1].isRunning)
        XCTAssertEqual(session.pipeline.state.status, .paused)
        session.setPaused(false)
        XCTAssertEqual(session.pipeline.state.status, .running)
    }

    func testHeatAndLowPowerLimitTheCamera() throws {
        let (session, parts) = try running()
        XCTAssertEqual(parts.cameras[0].limits, [nil])
        session.set(DeviceCondition(isLowPower: true))
        session.set(DeviceCondition(thermal: .serious))
        session.set(DeviceCondition(thermal: .fair))
        XCTAssertEqual(parts.cameras[0].limits, [nil, 15, 15, nil])
        session.set(DeviceCondition(isLowPower: true))
        session.switchCamera()
        XCTAssertEqual(parts.cameras[1].limits, [15])
    }

    private func running() throws -> (Session, FakeParts) {
        let made = try MadeSession()
        made.open()
        made.open()
        made.executor.run()
        XCTAssertEqual(made.parts.opened.count, 1)
        executor = made.executor
        return (made.session, made.parts)
    }
}
