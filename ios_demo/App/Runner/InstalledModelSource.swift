import GestureCore
import GestureLogic

/// Opens an installed model in the runtime that it is for.
final class InstalledModelSource: ModelSource {
    private let choice: ModelChoice

    init(_ choice: ModelChoice) {
        self.choice = choice
    }

    func open() throws -> Model {
        try Model(try Runners.open(choice.model, choice.computeUnits), thresholds: choice.model.thresholds)
    }
}

enum Runners {
    /// - Throws: `DemoError` where the runtime cannot load it.
    static func open(_ model: InstalledModel, _ units: ComputeUnits) throws -> Runner {
        switch model.runtime {
        case .coreml:
            return try EngineRunner(contract: model.contract, engine: try CoreMLEngine(model, units: units))
        case .executorch:
            #if canImport(ExecuTorch)
                return try EngineRunner(contract: model.contract, engine: try ExecuTorchEngine(model))
            #else
                throw DemoError("this app was built without ExecuTorch; see project.yml")
            #endif
        }
    }
}
