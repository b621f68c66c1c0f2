import GestureCore

/// Logits are the sum of all elements of state and input; the state counts the steps.
final class FakeEngine: StatefulEngine {
    let runtime = "fake 1.0"
    var failure: DemoError?
    private(set) var steps = 0
    private(set) var resets = 0
    private(set) var given: [[NamedTensor]] = []

    func reset() throws {
        resets += 1
    }

    func step(_ inputs: [NamedTensor], outputs: [OutputSpec]) throws -> [Tensor] {
        if let failure { throw failure }
        steps += 1
        given.append(inputs)
        return outputs.enumerated().map { index, output in
            let count = output.shape.reduce(1, *)
            let value = index == 0 ? 3 + 8 : steps
            return Tensor(
                shape: output.shape,
                elements: output.dtype == .int8
                    ? .int8(.init(repeating: Int8(value), count: count))
                    : .float32(.init(repeating: Float(value), count: count)))
        }
    }
}

/// Gives the logits that it is told.
final class FakeRunner: Runner {
    let contract: Contract
    let runtime = "fake 1.0"
    var logits: [Float] = [0, 0, 0, 9]
    var failure: Error?
    /// Called in the middle of each run.
    var during: () -> Void = {}
    private(set) var resets = 0
    private(set) var inputs: [Tensor] = []

    init(_ contract: Contract) {
        self.contract = contract
    }

    func reset() throws {
        resets += 1
    }

    func run(_ input: Tensor) throws -> [Float] {
        if let failure { throw failure }
        inputs.append(input)
        during()
        return logits
    }
}

/// A preprocessor that something happens to.
final class DisturbedPreprocessor: Preprocessor {
    /// Called in the middle of each frame.
    var during: () throws -> Void = {}
    private let inner: ContractPreprocessor

    init(_ contract: Contract) throws {
        inner = try ContractPreprocessor(contract)
    }

    func tensor(of frame: CameraFrame) throws -> Tensor {
        try during()
        return try inner.tensor(of: frame)
    }
}

/// Does its work when it is told.
final class ManualExecutor: WorkExecutor {
    private var waiting: [() -> Void] = []

    func execute(_ work: @escaping () -> Void) {
        waiting.append(work)
    }

    func run() {
        while !waiting.isEmpty { waiting.removeFirst()() }
    }
}

/// Goes on by a millisecond with every look.
final class SteppingClock: MonotonicClock {
    private var now: UInt64 = 0

    func nanoseconds() -> UInt64 {
        now += 1_000_000
        return now
    }

    func wait(milliseconds: UInt64) {
        now += milliseconds * 1_000_000
    }
}

final class FakeSource: ModelSource {
    var failure: DemoError?
    let make: () throws -> Model

    init(_ make: @escaping () throws -> Model) {
        self.make = make
    }

    func open() throws -> Model {
        if let failure { throw failure }
        return try make()
    }
}
