/// A `Runner` over a runtime: keeps the states of a stream between its steps, or lets a stateful engine keep them.
public final class EngineRunner: Runner {
    public let contract: Contract
    public var runtime: String { engine.runtime }
    /// In the contract's order; none where the artefact keeps them.
    public private(set) var states: [NamedTensor] = []
    private let engine: Engine
    private let outputs: [OutputSpec]

    /// - Throws: `DemoError` where the artefact has states of a type that the app has not.
    public init(contract: Contract, engine: Engine) throws {
        self.contract = contract
        self.engine = engine
        outputs =
            [OutputSpec(name: contract.output.name, shape: contract.output.shape, dtype: contract.output.dtype)]
            + contract.states.map { OutputSpec(name: $0.output, shape: $0.shape, dtype: $0.dtype) }
        try reset()
    }

    public func reset() throws {
        if contract.stateful {
            guard let stateful = engine as? StatefulEngine else {
                throw DemoError("\(engine.runtime) cannot keep states; export the model without --stateful")
            }
            try stateful.reset()
        }
        states = try contract.states.map { NamedTensor(name: $0.input, tensor: try Self.resetTensor($0)) }
    }

    public func run(_ input: Tensor) throws -> [Float] {
        guard input.shape == contract.input.shape, input.elements.type == contract.input.dtype else {
            throw DemoError("the model takes \(contract.input.shape), not \(input.shape)")
        }
        let found = try engine.step([NamedTensor(name: contract.input.name, tensor: input)] + states, outputs: outputs)
        guard found.count == outputs.count else {
            throw DemoError("the model gave \(found.count) outputs; its contract names \(outputs.count)")
        }
        for (tensor, wanted) in zip(found, outputs)
        where tensor.shape != wanted.shape || tensor.elements.type != wanted.dtype {
            throw DemoError("\(wanted.name) came as \(tensor.shape), not \(wanted.shape); export the model again")
        }
        states = zip(contract.states, found.dropFirst()).map { NamedTensor(name: $0.input, tensor: $1) }
        return consensus(real(found[0]))
    }

    /// The mean of the rows; a stream has one, a causal network's clip one a frame.
    private func consensus(_ rows: [Float]) -> [Float] {
        let classes = contract.labels.count
        let count = rows.count / classes
        if count == 1 { return rows }
        return (0..<classes).map { label in
            (0..<count).reduce(Float(0)) { $0 + rows[$1 * classes + label] } / Float(count)
        }
    }

    private func real(_ logits: Tensor) -> [Float] {
        switch logits.elements {
        case .float32(let values): return values
        case .int8(let values):
            guard let quantization = contract.output.quantization else { return values.map(Float.init) }
            return values.map(quantization.real)
        }
    }

    private static func resetTensor(_ state: StateSpec) throws -> Tensor {
        switch state.dtype {
        case .int8:
            return Tensor(shape: state.shape, elements: .int8(.init(repeating: Int8(state.reset), count: state.count)))
        case .float32:
            let value = Float(state.reset)
            return Tensor(shape: state.shape, elements: .float32(.init(repeating: value, count: state.count)))
        case .float16:
            throw DemoError("\(state.input) is of float16, which the app does not give; export the model as fp32")
        }
    }
}
