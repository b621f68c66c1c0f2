import Foundation
import GestureCore
import XCTest

@testable import GestureLogic
@testable import GestureTestSupport

/// A folder of models as `python -m mobile.install_assets --ios` leaves it.
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
    var onFrame: ((CameraFrame) -> Void)?
    var onStatus: ((SourceStatus) -> Void)?
    private(set) var isRunning = false

    func start() { isRunning = true }
    func stop() { isRunning = false }
}

final class FakeParts: SessionParts {
    private(set) var cameras: [FakeCamera] = []
    private(set) var inputs: [Input] = []
    private(set) var opened: [ModelChoice] = []
    let runner: FakeRunner

    init() throws {
        runner = FakeRunner(try TestContract.read())
    }

    func source(of input: Input) -> FrameSource {
        inputs.append(input)
        cameras.append(FakeCamera())
        return cameras[cameras.count - 1]
    }

    func model(of choice: ModelChoice) -> ModelSource {
        opened.append(choice)
        return FakeSource { [runner] in try Model(runner, thresholds: nil) }
    }
}

final class FakePhone: BenchmarkPhone {
    var thermal = ThermalLevel.fair
    private(set) var slept: [Int] = []
    var memory: [UInt64?] = [1_000_000, 4_000_000]

    var memoryBytes: UInt64? { memory.isEmpty ? nil : memory.removeFirst() }

    func sleep(milliseconds: Int) { slept.append(milliseconds) }
}
