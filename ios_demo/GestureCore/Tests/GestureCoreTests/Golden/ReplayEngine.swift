import XCTest

@testable import GestureCore

/// Gives the logits and states of a golden stream, and notes which states it is given.
final class ReplayEngine: Engine {
    let runtime = "replay"
    private(set) var given: [Double] = []
    private(set) var wanted: [Double] = []
    private let contract: Contract
    private let kept: [[TensorElements]]
    private let frames: [Int]
    private let logits: [Float]
    private var step = 0

    /// States after each kept frame, in the contract's order.
    init(_ folder: GoldenFolder, _ contract: Contract) throws {
        self.contract = contract
        frames = folder.manifest.stream.state_frames
        logits = try folder.values(folder.manifest.stream.logits, as: Float.self)
        let count = frames.count
        let files = try contract.states.map { state in
            try folder.elements(try XCTUnwrap(folder.manifest.stream.states[state.input]), state.dtype)
        }
        kept = (0..<count).map { row in files.map { $0.part(row, of: count) } }
    }

    /// The next step is that of the first frame.
    func rewind() {
        step = 0
    }

    func step(_ inputs: [NamedTensor], outputs: [OutputSpec]) throws -> [Tensor] {
        for (index, state) in contract.states.enumerated() {
            guard let before = after(step, index) else { continue }
            let input = inputs[index + 1]
            given += input.name == state.input ? input.tensor.elements.doubles : []
            wanted += before.doubles
        }
        step += 1
        let states = contract.states.enumerated().map { index, state in
            Tensor(shape: state.shape, elements: after(step, index) ?? zeros(outputs[index + 1]))
        }
        return [Tensor(shape: outputs[0].shape, elements: answer(outputs[0]))] + states
    }

    /// The frame's logits as the artefact gives them.
    private func answer(_ spec: OutputSpec) -> TensorElements {
        let classes = contract.labels.count
        let row = logits[(step - 1) * classes..<step * classes]
        guard spec.dtype == .int8, let point = contract.output.quantization else { return .float32(Array(row)) }
        return .int8(row.map { Int8((Double($0) / point.scale + Double(point.zeroPoint)).rounded()) })
    }

    /// A state after so many frames; nil where the folder does not hold it.
    private func after(_ frame: Int, _ index: Int) -> TensorElements? {
        if frame == 0 {
            let state = contract.states[index]
            return state.dtype == .int8
                ? .int8(.init(repeating: Int8(state.reset), count: state.count))
                : .float32(.init(repeating: Float(state.reset), count: state.count))
        }
        return frames.firstIndex(of: frame).map { kept[$0][index] }
    }

    private func zeros(_ spec: OutputSpec) -> TensorElements {
        let count = spec.shape.reduce(1, *)
        return spec.dtype == .int8
            ? .int8(.init(repeating: 0, count: count)) : .float32(.init(repeating: 0, count: count))
    }
}

extension TensorElements {
    /// Part number `index` of so many equal ones.
    func part(_ index: Int, of parts: Int) -> TensorElements {
        let length = count / parts
        let range = index * length..<(index + 1) * length
        switch self {
        case .int8(let values): return .int8(Array(values[range]))
        case .float32(let values): return .float32(Array(values[range]))
        }
    }
}
