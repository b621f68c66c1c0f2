import GestureCore
import XCTest

@testable import GestureLogic
@testable import GestureTestSupport

final class ModelFolderTests: XCTestCase {
    func testModelsByNameAndWhatIsWrongWithOthers() throws {
        let files = try ModelFiles()
        try files.add("b.mlpackage", contract: TestContract.json())
        try files.add("a.pte", contract: TestContract.executorch())
        try files.add("clip.mlpackage", contract: TestContract.json(mode: "clip"))
        try files.add("unfitted.pte", contract: TestContract.executorch(), thresholds: nil)
        try files.add("other.pte", contract: TestContract.json())
        let folder = ModelFolder(files.folder, keepsStates: true)
        XCTAssertEqual(folder.models.map(\.id), ["a.pte", "b.mlpackage"])
        XCTAssertEqual(folder.first(.coreml)?.id, "b.mlpackage")
        XCTAssertEqual(folder.faults.count, 3)
        XCTAssertTrue(folder.faults[0].contains("clip.mlpackage takes whole clips"), folder.faults[0])
        XCTAssertTrue(folder.faults[1].contains("other.pte.contract.json is for coreml"), folder.faults[1])
        XCTAssertTrue(folder.faults[2].contains("unfitted.pte.events.json is missing"), folder.faults[2])
    }

    func testAModelThatKeepsItsStatesNeedsASystemThatDoes() throws {
        let files = try ModelFiles()
        try files.add("s.mlpackage", contract: TestContract.json(stateful: true))
        XCTAssertEqual(ModelFolder(files.folder, keepsStates: true).models.count, 1)
        let old = ModelFolder(files.folder, keepsStates: false)
        XCTAssertTrue(old.models.isEmpty)
        XCTAssertTrue(old.faults[0].contains("iOS 18"), old.faults[0])
    }

    /// As `mobile/schemas/latency.py` has it: name and version.
    func testARuntimeHasNameAndVersion() {
        XCTAssertEqual(RuntimeKey.executorch.title(version: "1.5.0", on: "XNNPACK"), "ExecuTorch 1.5.0 (XNNPACK)")
        XCTAssertEqual(RuntimeKey.coreml.title(version: "of iOS 18.1", on: "ALL"), "Core ML of iOS 18.1 (ALL)")
        XCTAssertEqual(
            RuntimeKey.executorch.title(version: nil, on: "XNNPACK"), "ExecuTorch of unknown version (XNNPACK)")
    }

    func testAnEmptyFolder() throws {
        let nowhere = ModelFolder(URL(fileURLWithPath: "/nowhere"), keepsStates: true)
        XCTAssertTrue(nowhere.models.isEmpty && nowhere.faults.isEmpty)
    }

    /// The contracts of the real exporters, which the environment variable names.
    func testInstalledModelsOfTheExporters() throws {
        guard let path = ProcessInfo.processInfo.environment["STH_MODELS"] else {
            throw XCTSkip("STH_MODELS names no folder that sth install --ios filled")
        }
        let folder = ModelFolder(URL(fileURLWithPath: path), keepsStates: true)
        XCTAssertEqual(folder.faults, [])
        XCTAssertFalse(folder.models.isEmpty)
        for model in folder.models {
            XCTAssertNoThrow(try InputTensor(model.contract))
            XCTAssertNoThrow(try EventDetector(XCTUnwrap(model.thresholds), labels: model.contract.labels))
        }
    }
}
