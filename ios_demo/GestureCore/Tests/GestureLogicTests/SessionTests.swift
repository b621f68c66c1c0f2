import GestureCore
import XCTest

@testable import GestureLogic
@testable import GestureTestSupport

final class SessionTests: XCTestCase {
    private let executor = ManualExecutor()

    func testNothingRunsBeforeTheAppIsInFront() throws {
        let (session, parts) = try made()
        XCTAssertTrue(parts.cameras.isEmpty)
        session.setInFront(true)
        XCTAssertEqual(parts.inputs, [.camera(.front)])
        XCTAssertTrue(parts.cameras[0].isRunning)
    }

    func testInTheBackgroundTheCameraIsGivenBackAndFramesAreRefused() throws {
        let (session, parts) = try running()
        session.setInFront(false)
        XCTAssertFalse(parts.cameras[0].isRunning)
        XCTAssertNil(parts.cameras[0].onFrame)
        XCTAssertEqual(session.pipeline.state.status, .paused)
        session.setInFront(true)
        XCTAssertTrue(parts.cameras[1].isRunning)
        XCTAssertEqual(session.pipeline.state.status, .running)
    }

    func testACriticalHeatStopsAndAFallResumes() throws {
        let (session, parts) = try running()
        session.set(DeviceCondition(thermal: .serious))
        XCTAssertTrue(parts.cameras[0].isRunning)
        session.set(DeviceCondition(thermal: .critical))
        XCTAssertFalse(parts.cameras[0].isRunning)
        session.setInFront(false)
        session.set(DeviceCondition(thermal: .fair))
        XCTAssertEqual(parts.cameras.count, 1)  // still in the background
        session.setInFront(true)
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
        parts.cameras[0].onStatus?(.interrupted)
        executor.run()
        XCTAssertEqual(session.sourceStatus, .interrupted)
        XCTAssertGreaterThan(parts.runner.resets, resets)
        parts.cameras[0].onStatus?(.running)
        XCTAssertEqual(session.sourceStatus, .running)
    }

    func testWhatAnOldCameraSaysDoesNotCount() throws {
        let (session, parts) = try running()
        let old = parts.cameras[0].onStatus
        session.switchCamera()
        old?(.refused)
        XCTAssertEqual(session.sourceStatus, .stopped)
    }

    func testAFailedCameraIsTriedAgain() throws {
        let (session, parts) = try running()
        parts.cameras[0].onStatus?(.failed("it broke"))
        session.retry()
        XCTAssertEqual(parts.cameras.count, 2)
        XCTAssertEqual(session.sourceStatus, .stopped)
    }

    func testFramesReachThePipeline() throws {
        let (session, parts) = try running()
        parts.cameras[0].onFrame?(try frame())
        executor.run()
        XCTAssertEqual(session.pipeline.state.counts.processed, 1)
    }

    private func made() throws -> (Session, FakeParts) {
        let parts = try FakeParts()
        let session = Session(pipeline: Pipeline(executor: executor), parts: parts, onOwnThread: { $0() })
        return (session, parts)
    }

    private func running() throws -> (Session, FakeParts) {
        let (session, parts) = try made()
        let files = try ModelFiles()
        try files.add("m.mlpackage", contract: TestContract.json())
        let model = try InstalledModel(artefact: files.folder.appendingPathComponent("m.mlpackage"))
        session.setInFront(true)
        session.choose(ModelChoice(model: model))
        session.choose(ModelChoice(model: model))
        executor.run()
        XCTAssertEqual(parts.opened.count, 1)
        return (session, parts)
    }

    private func frame() throws -> CameraFrame {
        let storage = OwnedBytes(.init(repeating: 100, count: 48 * 40 * 4))
        let channels = PixelFormat.bgra.channelNames.enumerated().map {
            ($1, Channel(storage: storage, rowStride: 48 * 4, pixelStride: 4, offset: $0))
        }
        return try CameraFrame(
            format: .bgra, width: 48, height: 40, channels: Dictionary(uniqueKeysWithValues: channels))
    }
}
