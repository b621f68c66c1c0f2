import CoreML
import Foundation
import GestureCore
import GestureLogic

/// An .mlpackage in Core ML: states are inputs and outputs (iOS 17), or the model keeps them (iOS 18).
final class CoreMLEngine: StatefulEngine {
    let runtime: String
    private let model: MLModel
    private let keepsStates: Bool
    /// An `MLState`, which iOS 17 does not know.
    private var state: Any?

    /// - Throws: `DemoError` where Core ML cannot compile or load the package.
    init(_ installed: InstalledModel, units: ComputeUnits) throws {
        let configuration = MLModelConfiguration()
        configuration.computeUnits = units.coreML
        do {
            model = try MLModel(contentsOf: try CompiledModels.url(of: installed), configuration: configuration)
        } catch {
            throw DemoError("Core ML cannot load \(installed.id): \(error.localizedDescription)")
        }
        keepsStates = installed.contract.stateful
        let system = ProcessInfo.processInfo.operatingSystemVersion
        runtime = RuntimeKey.coreml.title(
            version: "of iOS \(system.majorVersion).\(system.minorVersion)", on: units.rawValue)
        try reset()
    }

    func reset() throws {
        guard keepsStates else { return }
        guard #available(iOS 18.0, *) else { throw DemoError(Strings.needsNewerSystem) }
        state = model.makeState()
    }

    func step(_ inputs: [NamedTensor], outputs: [OutputSpec]) throws -> [Tensor] {
        let features = try MLDictionaryFeatureProvider(
            dictionary: Dictionary(
                uniqueKeysWithValues: inputs.map { ($0.name, try MultiArray.make($0.tensor)) }))
        let results = try predict(features)
        return try outputs.map { wanted in
            guard let array = results.featureValue(for: wanted.name)?.multiArrayValue else {
                throw DemoError("the model has no output \(wanted.name); export it again")
            }
            return try MultiArray.tensor(array, shape: wanted.shape)
        }
    }

    private func predict(_ features: MLFeatureProvider) throws -> MLFeatureProvider {
        if #available(iOS 18.0, *), let state = state as? MLState {
            return try model.prediction(from: features, using: state)
        }
        return try model.prediction(from: features)
    }
}

extension ComputeUnits {
    fileprivate var coreML: MLComputeUnits {
        switch self {
        case .all: return .all
        case .cpuAndNeuralEngine: return .cpuAndNeuralEngine
        case .cpuAndGPU: return .cpuAndGPU
        case .cpuOnly: return .cpuOnly
        }
    }
}
