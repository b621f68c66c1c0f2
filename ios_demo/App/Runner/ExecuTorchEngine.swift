#if canImport(ExecuTorch)
    import ExecuTorch
    import Foundation
    import GestureCore
    import GestureLogic

    /// A .pte in ExecuTorch with XNNPACK; inputs and outputs are in the artefact's order.
    final class ExecuTorchEngine: Engine {
        /// The library does not tell its version; project.yml, which pins it, does.
        let runtime = RuntimeKey.executorch.title(
            version: Bundle.main.object(forInfoDictionaryKey: "ExecuTorchVersion") as? String, on: "XNNPACK")
        private let module: Module

        /// - Throws: `DemoError` where ExecuTorch cannot load the program.
        init(_ installed: InstalledModel) throws {
            module = Module(filePath: installed.url.path, loadMode: .mmap)
            do {
                try module.load("forward")
            } catch {
                throw DemoError("ExecuTorch cannot load \(installed.id): \(error.localizedDescription)")
            }
        }

        func step(_ inputs: [NamedTensor], outputs: [OutputSpec]) throws -> [GestureCore.Tensor] {
            let values = try module.forward(inputs.map { Self.value($0.tensor) })
            guard values.count == outputs.count else {
                throw DemoError("the model gave \(values.count) outputs, not \(outputs.count); export it again")
            }
            return try zip(values, outputs).map { value, wanted in
                GestureCore.Tensor(shape: wanted.shape, elements: try Self.elements(value, wanted))
            }
        }

        private static func value(_ tensor: GestureCore.Tensor) -> ValueConvertible {
            switch tensor.elements {
            case .int8(let values): return ExecuTorch.Tensor<Int8>(values, shape: tensor.shape)
            case .float32(let values): return ExecuTorch.Tensor<Float>(values, shape: tensor.shape)
            }
        }

        private static func elements(_ value: Value, _ wanted: OutputSpec) throws -> TensorElements {
            let count = wanted.shape.reduce(1, *)
            if wanted.dtype == .int8, let tensor: ExecuTorch.Tensor<Int8> = value.tensor(), tensor.count == count {
                return .int8(tensor.scalars())
            }
            if wanted.dtype == .float32, let tensor: ExecuTorch.Tensor<Float> = value.tensor(), tensor.count == count {
                return .float32(tensor.scalars())
            }
            throw DemoError("\(wanted.name) is not \(wanted.shape) of \(wanted.dtype.rawValue); export the model again")
        }
    }
#endif
