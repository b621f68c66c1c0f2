import Foundation
import GestureCore
import XCTest

@testable import GestureLogic
@testable import GestureTestSupport

/// A folder of models as `sth install --ios` leaves it.
final class ModelFiles {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    func add(_ name: String, contract: String, thresholds: String? = TestContract.thresholds()) throws {
        try write(name, "weights")
        try write("\(name).contract.json", contract)
        try write("\(name).report.json", #"{"sha256": "abc"}"#)
        if let thresholds { try write("\(name).events.json", thresholds) }
    }

    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
    }
}

extension TestContract {
    static func executorch() -> String {
        json().replacingOccurrences(of: #""runtime": "coreml""#, with: #""runtime": "executorch""#)
    }
}

final class FakeCamera: FrameSource {
    let outlet: SourceOutlet
    private(set) var isRunning = false
    private(set) var limits: [Double?] = []

    init(_ outlet: SourceOutlet) {
        self.outlet = outlet
    }

    func start() { isRunning = true }
    func stop() { isRunning = false }
    func limit(framesPerSecond: Double?) { limits.append(framesPerSecond) }
}

final class FakeParts: SessionParts {
    private(set) var cameras: [FakeCamera] = []
    private(set) var inputs: [Input] = []
    private(set) var opened: [ModelChoice] = []
    /// Of opening a model.
    var failure: DemoError?
    let runner: FakeRunner
    private let thresholds: Thresholds?

    init(thresholds: Bool = false) throws {
        runner = FakeRunner(try TestContract.read())
        self.thresholds = thresholds ? try TestContract.readThresholds() : nil
    }

    func source(of input: Input, into outlet: SourceOutlet) -> FrameSource {
        inputs.append(input)
        cameras.append(FakeCamera(outlet))
        return cameras[cameras.count - 1]
    }

    func model(of choice: ModelChoice) -> ModelSource {
        opened.append(choice)
        return FakeSource { [self] in
            if let failure { throw failure }
            return try Model(runner, thresholds: thresholds)
        }
    }
}

/// A session over fakes, and a folder with one model.
final class MadeSession {
    let executor = ManualExecutor()
    let clock = SteppingClock()
    let parts: FakeParts
    let session: Session
    let models: ModelFolder
    private let files: ModelFiles

    init(thresholds: Bool = false) throws {
        parts = try FakeParts(thresholds: thresholds)
        session = Session(
            pipeline: Pipeline(executor: executor, clock: clock), parts: parts, onOwnThread: { $0() })
        files = try ModelFiles()
        try files.add("m.mlpackage", contract: TestContract.json())
        models = ModelFolder(files.folder, keepsStates: true)
    }

    var content: ScreenContent { ScreenContent(session: session, models: models) }

    /// In front, with the model being opened.
    func open() {
        session.enter(.active)
        session.choose(ModelChoice(model: models.models[0]))
    }

    /// A frame of the newest source, all the way.
    func offer(_ timeMs: Int) throws {
        parts.cameras[parts.cameras.count - 1].outlet.frame(try Self.frame(timeMs))
        executor.run()
    }

    func noModels() throws -> ModelFolder {
        let other = try ModelFiles()
        try other.add("clip.mlpackage", contract: TestContract.json(mode: "clip"))
        return ModelFolder(other.folder, keepsStates: true)
    }

    static func frame(_ timeMs: Int) throws -> CameraFrame {
        let storage = OwnedBytes((0..<48 * 40 * 4).map { $0 % 4 == 2 ? 255 : 0 })
        let channels = PixelFormat.bgra.channelNames.enumerated().map {
            ($1, Channel(storage: storage, rowStride: 48 * 4, pixelStride: 4, offset: $0))
        }
        return try CameraFrame(
            format: .bgra, width: 48, height: 40, channels: Dictionary(uniqueKeysWithValues: channels), timeMs: timeMs)
    }
}

final class FakePhone: BenchmarkPhone {
    var thermal = ThermalLevel.fair
    private(set) var slept: [Int] = []
    var memory: [UInt64?] = [1_000_000, 4_000_000]

    var memoryBytes: UInt64? { memory.isEmpty ? nil : memory.removeFirst() }

    func sleep(milliseconds: Int) { slept.append(milliseconds) }
}
